#ifndef LONGSHORE_NATIVE_CORE_BYTE_CODING_H_
#define LONGSHORE_NATIVE_CORE_BYTE_CODING_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

// Little-endian numbers and raw bytes, for what we store (docs/formats.md).

namespace longshore {

template <typename Number>
void Put(std::vector<uint8_t>& to, Number number) {
  static_assert(std::is_unsigned_v<Number>);
  for (size_t i = 0; i < sizeof(Number); ++i) {
    to.push_back(static_cast<uint8_t>(number >> (8 * i)));
  }
}

inline void PutBytes(std::vector<uint8_t>& to, const void* bytes, size_t count) {
  const auto* from = static_cast<const uint8_t*>(bytes);
  to.insert(to.end(), from, from + count);
}

// Takes numbers from the front of a piece of memory that it does not own. Once something was asked
// for that is not there, everything reads as zero and ok() stays false.
class ByteReader final {
 public:
  ByteReader(const uint8_t* data, size_t bytes) : data_(data), bytes_(bytes) {}

  bool ok() const { return ok_; }
  size_t left() const { return bytes_; }

  template <typename Number>
  Number Take() {
    static_assert(std::is_unsigned_v<Number>);
    Number number = 0;
    if (!Has(sizeof(Number))) return number;
    for (size_t i = 0; i < sizeof(Number); ++i) {
      number = static_cast<Number>(number | (static_cast<Number>(data_[i]) << (8 * i)));
    }
    Skip(sizeof(Number));
    return number;
  }

  void TakeBytes(void* to, size_t count) {
    if (!Has(count)) return;
    if (count > 0) std::memcpy(to, data_, count);
    Skip(count);
  }

  const uint8_t* TakePointer(size_t count) {
    if (!Has(count)) return nullptr;
    const uint8_t* at = data_;
    Skip(count);
    return at;
  }

 private:
  bool Has(size_t count) {
    if (count > bytes_) ok_ = false;
    return ok_;
  }
  void Skip(size_t count) {
    data_ += count;
    bytes_ -= count;
  }

  const uint8_t* data_;
  size_t bytes_;
  bool ok_ = true;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_BYTE_CODING_H_
