// CRC32C by tables, eight bytes a step ("slicing by 8", Kounavis and Berry 2005).

#include "native/core/crc32c_kernels.h"

namespace longshore {

namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Castagnoli, bit-reversed

struct Tables {
  uint32_t at[8][256];
};

// at[k][b] carries byte b over k more zero bytes.
constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t reg = byte;
    for (int bit = 0; bit < 8; ++bit) reg = (reg >> 1) ^ ((reg & 1) != 0 ? kPolynomial : 0);
    tables.at[0][byte] = reg;
  }
  for (int k = 1; k < 8; ++k) {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables.at[k - 1][byte];
      tables.at[k][byte] = (before >> 8) ^ tables.at[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

uint32_t LoadLittleEndian(const uint8_t* from) {
  return from[0] | (uint32_t{from[1]} << 8) | (uint32_t{from[2]} << 16) | (uint32_t{from[3]} << 24);
}

}  // namespace

uint32_t Crc32cPortable(uint32_t reg, const uint8_t* data, size_t bytes) {
  const auto& at = kTables.at;
  for (; bytes >= 8; bytes -= 8, data += 8) {
    const uint32_t low = reg ^ LoadLittleEndian(data);
    const uint32_t high = LoadLittleEndian(data + 4);
    reg = at[7][low & 0xff] ^ at[6][(low >> 8) & 0xff] ^ at[5][(low >> 16) & 0xff] ^
          at[4][low >> 24] ^ at[3][high & 0xff] ^ at[2][(high >> 8) & 0xff] ^
          at[1][(high >> 16) & 0xff] ^ at[0][high >> 24];
  }
  for (; bytes > 0; --bytes, ++data) reg = (reg >> 8) ^ at[0][(reg ^ *data) & 0xff];
  return reg;
}

}  // namespace longshore
