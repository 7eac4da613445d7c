#ifndef LONGSHORE_NATIVE_CORE_BLOB_READER_H_
#define LONGSHORE_NATIVE_CORE_BLOB_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "native/core/content.h"
#include "native/core/read_frame.h"
#include "native/core/unique_fd.h"

namespace longshore {

struct ReadFrame {
  FrameBounds bounds;
  uint32_t crc;
};

struct CheckedBytes {
  std::vector<uint8_t> bytes;
  uint32_t crc;
};

// A stored blob, open. Reads wait for the disk and may run on many threads at once; the object must
// outlive them.
class BlobReader final {
 public:
  // MANIFEST_INVALID; BLOCK_CORRUPT when the file's size is not the manifest's; std::system_error.
  BlobReader(std::string content_path, const std::string& manifest_path);

  const Content& content() const { return content_; }

  // The range must lie within the content, and `frame` be FrameBytes(length) long. BLOCK_CORRUPT
  // when a block that the range touches is not what the manifest says.
  ReadFrame ReadIntoFrame(uint64_t offset, size_t length, uint8_t* frame) const;
  CheckedBytes Read(uint64_t offset, size_t length) const;

 private:
  // Reads the range to `to`, with every block of it checked whole; returns the CRC of the range.
  uint32_t ReadRange(uint64_t offset, size_t length, uint8_t* to) const;
  // Whole blocks, in place.
  uint32_t ReadBlocks(uint64_t begin, uint64_t end, uint8_t* to) const;
  // A part of one block: the whole of it is read aside and checked.
  uint32_t ReadPart(uint64_t begin, uint64_t end, uint8_t* to) const;
  uint64_t BlockEnd(uint64_t offset) const;
  void ReadExactly(uint64_t begin, uint64_t end, uint8_t* to) const;
  [[noreturn]] void Refuse(uint64_t block, uint32_t actual) const;

  const std::string path_;
  Content content_;
  UniqueFd fd_;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_BLOB_READER_H_
