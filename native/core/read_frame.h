#ifndef LONGSHORE_NATIVE_CORE_READ_FRAME_H_
#define LONGSHORE_NATIVE_CORE_READ_FRAME_H_

#include <cstddef>
#include <cstdint>

// A gRPC message around content that lies in its buffer already: a 5-byte prefix (not compressed,
// length) and longshore.v1.ReadFileResponse{data: {offset, chunk: {content, crc32c}}}, fields in
// the order of their numbers, those with the default value left out.

namespace longshore {

// Room before the content for anything that may stand there; also keeps the content aligned.
constexpr size_t kFrameHeadBytes = 64;
constexpr size_t kFrameTailBytes = 64;

// How large a buffer must be.
constexpr size_t FrameBytes(size_t content_bytes) {
  return kFrameHeadBytes + content_bytes + kFrameTailBytes;
}

struct FrameBounds {
  size_t start;
  size_t end;
};

// Writes what belongs before and behind the content at `frame + content_start`. Needs
// kFrameHeadBytes before and 5 bytes behind it.
FrameBounds WrapContent(uint8_t* frame, size_t content_start, size_t content_bytes, uint64_t offset,
                        uint32_t crc);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_READ_FRAME_H_
