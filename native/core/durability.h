#ifndef LONGSHORE_NATIVE_CORE_DURABILITY_H_
#define LONGSHORE_NATIVE_CORE_DURABILITY_H_

#include <cstdint>
#include <map>
#include <vector>

#include "native/core/content.h"
#include "native/core/range_set.h"

namespace longshore {

// What survives a power cut.
struct Persisted {
  uint64_t size = 0;  // [0, size) is on disk
  uint32_t crc32c = 0;
  std::vector<Range> ranges;
};

// Sums up what has been made durable: the hashed prefix and chunks ahead of it. One thread at a
// time.
class Durability final {
 public:
  // [0, offset) with that CRC. Only grows; to go back, begin again with a new object.
  void SetFrontier(uint64_t offset, uint32_t crc);
  void AddChunk(uint64_t index, const ChunkClaim& claim);
  // A chunk at or beyond the frontier no longer holds.
  void DropChunk(uint64_t index);

  Persisted Sum() const;

 private:
  struct Prefix {
    uint64_t offset = 0;
    uint32_t crc = 0;
  };
  struct Ahead {
    uint32_t bytes;
    uint32_t crc;
  };

  void Advance();

  RangeSet ranges_;
  Prefix frontier_;
  Prefix prefix_;                    // the frontier, and chunks ahead that touch it
  std::map<uint64_t, Ahead> ahead_;  // chunks at or beyond the frontier, by index
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_DURABILITY_H_
