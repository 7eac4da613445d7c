// A frame around any content at any offset is what a reader of protobuf and gRPC expects, and
// touches nothing but its head room, the content's place and the five bytes behind it.

#include <algorithm>
#include <cstring>
#include <vector>

#include "native/core/read_frame.h"
#include "native/fuzz/fuzz_target.h"

namespace longshore::fuzz {

namespace {

constexpr uint8_t kUntouched = 0xee;

class Reader {
 public:
  Reader(const uint8_t* at, const uint8_t* end) : at_(at), end_(end) {}

  bool AtEnd() const { return at_ == end_; }
  const uint8_t* at() const { return at_; }
  uint8_t Byte() {
    Require(at_ < end_, "a field is whole");
    return *at_++;
  }
  uint64_t Varint() {
    uint64_t number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = Byte();
      number |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        Require(byte != 0 || shift == 0, "a varint is as short as can be");
        return number;
      }
    }
    Require(false, "a varint ends");
    return 0;
  }
  Reader Message() {
    const uint64_t bytes = Varint();
    Require(bytes <= static_cast<uint64_t>(end_ - at_), "a message is within its parent");
    const uint8_t* begin = at_;
    at_ += bytes;
    return {begin, at_};
  }
  uint32_t Fixed32() {
    uint32_t number = 0;
    for (int shift = 0; shift < 32; shift += 8) number |= static_cast<uint32_t>(Byte()) << shift;
    return number;
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

void Check(uint64_t offset, uint32_t crc, const std::vector<uint8_t>& content, size_t lead) {
  std::vector<uint8_t> frame(lead + FrameBytes(content.size()), kUntouched);
  const size_t start = kFrameHeadBytes + lead;
  std::copy(content.begin(), content.end(), frame.begin() + static_cast<std::ptrdiff_t>(start));
  const FrameBounds bounds = WrapContent(frame.data(), start, content.size(), offset, crc);

  Require(bounds.start >= lead && bounds.end == start + content.size() + 5,
          "the frame is where it may be");
  Require(std::all_of(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(bounds.start),
                      [](uint8_t byte) { return byte == kUntouched; }),
          "nothing before the frame is touched");
  Require(std::all_of(frame.begin() + static_cast<std::ptrdiff_t>(bounds.end), frame.end(),
                      [](uint8_t byte) { return byte == kUntouched; }),
          "nothing behind the frame is touched");

  Reader prefix(frame.data() + bounds.start, frame.data() + bounds.end);
  Require(prefix.Byte() == 0, "not compressed");
  size_t length = 0;
  for (int i = 0; i < 4; ++i) length = length << 8 | prefix.Byte();
  Require(length == bounds.end - bounds.start - 5, "the prefix holds the length");
  Require(prefix.Byte() == (2 << 3 | 2), "ReadFileResponse.data");
  Reader data = prefix.Message();
  Require(prefix.AtEnd(), "nothing follows the data");
  uint8_t tag = data.Byte();
  if (offset > 0) {
    Require(tag == (1 << 3 | 0) && data.Varint() == offset, "ReadData.offset");
    tag = data.Byte();
  }
  Require(tag == (2 << 3 | 2), "ReadData.chunk");
  Reader chunk = data.Message();
  Require(data.AtEnd(), "nothing follows the chunk");
  tag = chunk.Byte();
  if (!content.empty()) {
    Require(tag == (1 << 3 | 2), "Chunk.content");
    const uint64_t bytes = chunk.Varint();
    Require(bytes == content.size() && std::memcmp(chunk.at(), content.data(), bytes) == 0,
            "the content");
    for (uint64_t i = 0; i < bytes; ++i) chunk.Byte();
    tag = chunk.Byte();
  }
  Require(tag == (2 << 3 | 5) && chunk.Fixed32() == crc, "Chunk.crc32c");
  Require(chunk.AtEnd(), "nothing follows the CRC");
}

}  // namespace

}  // namespace longshore::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  if (bytes < 20) return 0;
  uint64_t offset = 0;
  uint32_t crc = 0;
  uint32_t size = 0;
  uint16_t lead = 0;
  std::memcpy(&offset, data, sizeof(offset));
  std::memcpy(&crc, data + 8, sizeof(crc));
  std::memcpy(&size, data + 12, sizeof(size));
  std::memcpy(&lead, data + 16, sizeof(lead));
  // Every length of varint: offsets up to 2^63, contents up to 4 MiB (mostly small ones).
  offset >>= 1 + data[18] % 63;
  size >>= 10 + data[19] % 22;
  longshore::fuzz::Check(offset, crc, std::vector<uint8_t>(size, data[19]), lead);
  return 0;
}
