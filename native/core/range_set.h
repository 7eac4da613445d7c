#ifndef LONGSHORE_NATIVE_CORE_RANGE_SET_H_
#define LONGSHORE_NATIVE_CORE_RANGE_SET_H_

#include <cstdint>
#include <map>
#include <vector>

namespace longshore {

struct Range {
  uint64_t offset;
  uint64_t length;
};

// Byte ranges, kept merged and in order. One thread at a time.
class RangeSet final {
 public:
  void Add(uint64_t begin, uint64_t end);
  void Remove(uint64_t begin, uint64_t end);
  bool Covers(uint64_t begin, uint64_t end) const;
  // The end of the last range; 0 when there is none.
  uint64_t End() const;
  std::vector<Range> Ranges() const;

 private:
  std::map<uint64_t, uint64_t> ends_;  // by begin
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_RANGE_SET_H_
