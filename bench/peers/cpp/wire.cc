#include "wire.h"

#include <algorithm>

#include "crc32c.h"

namespace bench {
namespace {

constexpr uint32_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

// A read position in a message that arrived in pieces.
class Cursor {
 public:
  explicit Cursor(const std::vector<grpc::Slice>& slices) : slices_(slices) {}

  uint64_t position() const { return position_; }

  bool Byte(uint8_t* out) {
    while (slice_ < slices_.size() && in_slice_ == slices_[slice_].size()) {
      ++slice_;
      in_slice_ = 0;
    }
    if (slice_ == slices_.size()) return false;
    *out = slices_[slice_].begin()[in_slice_++];
    ++position_;
    return true;
  }

  bool Varint(uint64_t* out) {
    *out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      uint8_t byte;
      if (!Byte(&byte)) return false;
      *out |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool Fixed32(uint32_t* out) {
    *out = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      uint8_t byte;
      if (!Byte(&byte)) return false;
      *out |= static_cast<uint32_t>(byte) << shift;
    }
    return true;
  }

  // Passes over `size` bytes; their CRC goes on from *crc where that is given.
  bool Skip(uint64_t size, uint32_t* crc = nullptr) {
    while (size > 0) {
      if (slice_ == slices_.size()) return false;
      const grpc::Slice& slice = slices_[slice_];
      const uint64_t step = std::min<uint64_t>(size, slice.size() - in_slice_);
      if (crc != nullptr) *crc = Crc32c(*crc, slice.begin() + in_slice_, step);
      in_slice_ += step;
      position_ += step;
      size -= step;
      if (in_slice_ == slice.size()) {
        ++slice_;
        in_slice_ = 0;
      }
    }
    return true;
  }

  bool SkipField(uint64_t tag) {
    uint64_t value;
    switch (tag & 7) {
      case kVarint:
        return Varint(&value);
      case kFixed64:
        return Skip(8);
      case kBytes:
        return Varint(&value) && Skip(value);
      case kFixed32:
        return Skip(4);
      default:
        return false;
    }
  }

 private:
  const std::vector<grpc::Slice>& slices_;
  size_t slice_ = 0;
  size_t in_slice_ = 0;
  uint64_t position_ = 0;
};

bool ParseChunk(Cursor* cursor, uint64_t size, bool compute_crc32c, ReadFrame* frame) {
  const uint64_t end = cursor->position() + size;
  while (cursor->position() < end) {
    uint64_t tag;
    if (!cursor->Varint(&tag)) return false;
    if (tag == (1 << 3 | kBytes)) {
      if (!cursor->Varint(&frame->content_bytes)) return false;
      if (!cursor->Skip(frame->content_bytes, compute_crc32c ? &frame->actual_crc32c : nullptr))
        return false;
    } else if (tag == (2 << 3 | kFixed32)) {
      frame->has_crc32c = true;
      if (!cursor->Fixed32(&frame->crc32c)) return false;
    } else if (!cursor->SkipField(tag)) {
      return false;
    }
  }
  return cursor->position() == end;
}

bool ParseReadData(Cursor* cursor, uint64_t size, bool compute_crc32c, ReadFrame* frame) {
  const uint64_t end = cursor->position() + size;
  while (cursor->position() < end) {
    uint64_t tag;
    if (!cursor->Varint(&tag)) return false;
    if (tag == (1 << 3 | kVarint)) {
      if (!cursor->Varint(&frame->offset)) return false;
    } else if (tag == (2 << 3 | kBytes)) {
      uint64_t chunk_size;
      if (!cursor->Varint(&chunk_size)) return false;
      if (!ParseChunk(cursor, chunk_size, compute_crc32c, frame)) return false;
    } else if (!cursor->SkipField(tag)) {
      return false;
    }
  }
  return cursor->position() == end;
}

}  // namespace

void AppendVarint(std::string* out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

void AppendFixed32(std::string* out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out->push_back(static_cast<char>(value >> shift));
}

bool ParseReadFrame(const grpc::ByteBuffer& message, bool compute_crc32c, ReadFrame* frame) {
  std::vector<grpc::Slice> slices;
  if (!message.Dump(&slices).ok()) return false;
  *frame = ReadFrame();
  Cursor cursor(slices);
  const uint64_t end = message.Length();
  while (cursor.position() < end) {
    uint64_t tag, size;
    if (!cursor.Varint(&tag)) return false;
    if ((tag & 7) != kBytes || !cursor.Varint(&size)) return false;
    switch (tag >> 3) {
      case 1:
        frame->kind = ReadFrame::kHeader;
        break;
      case 2:
        frame->kind = ReadFrame::kData;
        if (!ParseReadData(&cursor, size, compute_crc32c, frame)) return false;
        continue;
      case 3:
        frame->kind = ReadFrame::kTrailer;
        break;
      default:
        break;
    }
    if (!cursor.Skip(size)) return false;
  }
  return true;
}

std::string Flatten(const grpc::ByteBuffer& message) {
  std::vector<grpc::Slice> slices;
  std::string flat;
  if (!message.Dump(&slices).ok()) return flat;
  flat.reserve(message.Length());
  for (const auto& slice : slices)
    flat.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return flat;
}

}  // namespace bench
