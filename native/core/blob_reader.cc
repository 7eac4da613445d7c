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

uint64_t BlobReader::BlockEnd(uint64_t offset) const {
  return std::min(content_.size, BlockStart(offset) + kBlockBytes);
}

void BlobReader::ReadExactly(uint64_t begin, uint64_t end, uint8_t* to) const {
  const size_t got = ReadAt(fd_.get(), path_, begin, to, static_cast<size_t>(end - begin));
  if (got != end - begin) Refuse((begin + got) / kBlockBytes, 0);
}

uint32_t BlobReader::ReadBlocks(uint64_t begin, uint64_t end, uint8_t* to) const {
  ReadExactly(begin, end, to);
  uint32_t range_crc = 0;
  for (uint64_t at = begin; at < end; at = BlockEnd(at)) {
    const auto bytes = static_cast<size_t>(BlockEnd(at) - at);
    const uint32_t crc = Crc32c(0, to + (at - begin), bytes);
    if (crc != content_.block_crcs[at / kBlockBytes]) Refuse(at / kBlockBytes, crc);
    range_crc = Crc32cCombine(range_crc, crc, bytes);
  }
  return range_crc;
}

uint32_t BlobReader::ReadPart(uint64_t begin, uint64_t end, uint8_t* to) const {
  const uint64_t block_start = BlockStart(begin);
  std::vector<uint8_t> block(static_cast<size_t>(BlockEnd(begin) - block_start));
  ReadBlocks(block_start, BlockEnd(begin), block.data());
  const uint8_t* from = block.data() + (begin - block_start);
  std::copy_n(from, end - begin, to);
  return Crc32c(0, from, static_cast<size_t>(end - begin));
}

uint32_t BlobReader::ReadRange(uint64_t offset, size_t length, uint8_t* to) const {
  const uint64_t end = offset + length;
  uint32_t range_crc = 0;
  for (uint64_t at = offset; at < end;) {
    // Up to the next block's start a part, then all whole blocks at once, then a part again.
    const bool whole = at == BlockStart(at) && end >= BlockEnd(at);
    const uint64_t whole_end = end == content_.size ? end : BlockStart(end);
    const uint64_t until = whole ? whole_end : std::min(end, BlockEnd(at));
    uint8_t* const piece = to + (at - offset);
    const uint32_t crc = whole ? ReadBlocks(at, until, piece) : ReadPart(at, until, piece);
    range_crc = Crc32cCombine(range_crc, crc, until - at);
    at = until;
  }
  return range_crc;
}

ReadFrame BlobReader::ReadIntoFrame(uint64_t offset, size_t length, uint8_t* frame) const {
  const uint32_t crc = ReadRange(offset, length, frame + kFrameHeadBytes);
  return {WrapContent(frame, kFrameHeadBytes, length, offset, crc), crc};
}

CheckedBytes BlobReader::Read(uint64_t offset, size_t length) const {
  CheckedBytes read;
  read.bytes.resize(length);
  read.crc = ReadRange(offset, length, read.bytes.data());
  return read;
}

}  // namespace longshore
