// Just enough of protobuf's wire format to frame and to measure the two hot messages without
// copying their content. https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

void AppendVarint(std::string* out, uint64_t value);
void AppendFixed32(std::string* out, uint32_t value);

// What a ReadFileResponse holds.
struct ReadFrame {
  enum Kind { kHeader, kData, kTrailer, kHeartbeat };
  Kind kind = kHeartbeat;
  uint64_t offset = 0;         // of the content in the file; kData only
  uint64_t content_bytes = 0;  // kData only
  bool has_crc32c = false;     // kData only
  uint32_t crc32c = 0;         // the sender's
  uint32_t actual_crc32c = 0;  // computed here, where asked for
};

// Walks one serialized ReadFileResponse. `compute_crc32c` also reads the content. False: not well
// formed.
bool ParseReadFrame(const grpc::ByteBuffer& message, bool compute_crc32c, ReadFrame* frame);

// Moves the bytes of `message` into one string. For small messages.
std::string Flatten(const grpc::ByteBuffer& message);

}  // namespace bench
