#include "native/core/blob_reader.h"

#include <algorithm>
#include <utility>

#include "native/core/crc32c.h"
#include "native/core/manifest.h"
#include "native/core/posix_file.h"
#include "native/core/storage_error.h"

namespace longshore {

namespace {

constexpr uint64_t BlockStart(uint64_t offset) { return offset - offset % kBlockBytes; }

}  // namespace

BlobReader::BlobReader(std::string content_path, const std::string& manifest_path)
    : path_(std::move(content_path)),
      content_(ReadManifest(manifest_path)),
      fd_(OpenToRead(path_)) {
  const uint64_t size = FileSize(fd_.get(), path_);
  if (size == content_.size) return;
  const uint64_t offset = std::min(size, content_.size);
  throw StorageError("BLOCK_CORRUPT", "open " + path_ + ": its size is not that of its manifest",
                     {{"offset", offset},
                      {"chunk", offset / kChunkBytes},
                      {"expected", content_.size},
                      {"actual", size}});
}

void BlobReader::Refuse(uint64_t block, uint32_t actual) const {
  const uint64_t offset = block * kBlockBytes;
  throw StorageError("BLOCK_CORRUPT",
                     "read " + path_ + " at " + std::to_string(offset) +
                         ": the block is not what the manifest says",
                     {{"offset", offset},
                      {"chunk", offset / kChunkBytes},
                      {"expected", content_.block_crcs[block]},
                      {"actual", actual}});
}

uint32_t BlobReader::ReadBlocks(uint64_t offset, size_t length, uint8_t* to) const {
  const uint64_t begin = BlockStart(offset);
  const uint64_t end = offset + length;
  const uint64_t read_end = std::min(content_.size, BlockStart(end + kBlockBytes - 1));
  if (length == 0) return 0;
  const size_t got = ReadAt(fd_.get(), path_, begin, to, static_cast<size_t>(read_end - begin));
  if (got != read_end - begin) Refuse((begin + got) / kBlockBytes, 0);
  uint32_t range_crc = 0;
  for (uint64_t at = begin; at < read_end; at += kBlockBytes) {
    const uint64_t block_end = std::min(read_end, at + kBlockBytes);
    const uint64_t block = at / kBlockBytes;
    const uint8_t* data = to + (at - begin);
    const uint32_t crc = Crc32c(0, data, static_cast<size_t>(block_end - at));
    if (crc != content_.block_crcs[block]) Refuse(block, crc);
    const uint64_t from = std::max(at, offset);
    const uint64_t until = std::min(block_end, end);
    if (from == at && until == block_end) {
      range_crc = Crc32cCombine(range_crc, crc, until - from);
    } else {
      range_crc = Crc32c(range_crc, to + (from - begin), static_cast<size_t>(until - from));
    }
  }
  return range_crc;
}

ReadFrame BlobReader::ReadIntoFrame(uint64_t offset, size_t length, uint8_t* frame) const {
  const uint32_t crc = ReadBlocks(offset, length, frame + kFrameHeadBytes);
  // The head may cover what was read before the range, and the CRC what was read behind it: both
  // have done their duty.
  const auto lead = static_cast<size_t>(offset - BlockStart(offset));
  const size_t start = kFrameHeadBytes + (length == 0 ? 0 : lead);
  return {WrapContent(frame, start, length, offset, crc), crc};
}

CheckedBytes BlobReader::Read(uint64_t offset, size_t length) const {
  CheckedBytes read;
  read.bytes.resize(length + 2 * kBlockBytes);
  read.crc = ReadBlocks(offset, length, read.bytes.data());
  read.start = static_cast<size_t>(offset - BlockStart(offset));
  read.length = length;
  return read;
}

}  // namespace longshore
