#include "native/core/read_frame.h"

namespace longshore {

namespace {

constexpr uint8_t kVarint = 0;
constexpr uint8_t kLengthDelimited = 2;
constexpr uint8_t kFixed32 = 5;

constexpr uint8_t Tag(uint8_t field, uint8_t wire_type) {
  return static_cast<uint8_t>(field << 3 | wire_type);
}

constexpr uint8_t kResponseData = Tag(2, kLengthDelimited);
constexpr uint8_t kDataOffset = Tag(1, kVarint);
constexpr uint8_t kDataChunk = Tag(2, kLengthDelimited);
constexpr uint8_t kChunkContent = Tag(1, kLengthDelimited);
constexpr uint8_t kChunkCrc = Tag(2, kFixed32);

size_t VarintBytes(uint64_t number) {
  size_t bytes = 1;
  while (number >= 0x80) {
    number >>= 7;
    ++bytes;
  }
  return bytes;
}

// Writes from the back to the front, since a message's length stands before it.
class BackwardWriter final {
 public:
  explicit BackwardWriter(uint8_t* end) : at_(end) {}

  void Byte(uint8_t byte) { *--at_ = byte; }
  void Varint(uint64_t number) {
    const size_t bytes = VarintBytes(number);
    at_ -= bytes;
    for (size_t i = 0; i < bytes; ++i) {
      const bool last = i + 1 == bytes;
      at_[i] = static_cast<uint8_t>((number & 0x7f) | (last ? 0 : 0x80));
      number >>= 7;
    }
  }
  uint8_t* at() const { return at_; }

 private:
  uint8_t* at_;
};

}  // namespace

FrameBounds WrapContent(uint8_t* frame, size_t content_start, size_t content_bytes, uint64_t offset,
                        uint32_t crc) {
  uint8_t* const content = frame + content_start;
  uint8_t* end = content + content_bytes;
  *end++ = kChunkCrc;
  for (int shift = 0; shift < 32; shift += 8) *end++ = static_cast<uint8_t>(crc >> shift);

  BackwardWriter writer(content);
  const auto length_so_far = [&] { return static_cast<uint64_t>(end - writer.at()); };
  if (content_bytes > 0) {
    writer.Varint(content_bytes);
    writer.Byte(kChunkContent);
  }
  writer.Varint(length_so_far());
  writer.Byte(kDataChunk);
  if (offset > 0) {
    writer.Varint(offset);
    writer.Byte(kDataOffset);
  }
  writer.Varint(length_so_far());
  writer.Byte(kResponseData);
  const uint64_t message_bytes = length_so_far();
  for (int shift = 0; shift < 32; shift += 8) {
    writer.Byte(static_cast<uint8_t>(message_bytes >> shift));
  }
  writer.Byte(0);  // not compressed
  return {static_cast<size_t>(writer.at() - frame), static_cast<size_t>(end - frame)};
}

}  // namespace longshore
