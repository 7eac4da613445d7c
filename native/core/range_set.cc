#include "native/core/range_set.h"

#include <algorithm>
#include <iterator>

namespace longshore {

void RangeSet::Add(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  auto next = ends_.upper_bound(begin);
  if (next != ends_.begin()) {
    const auto previous = std::prev(next);
    if (previous->second >= begin) {
      begin = previous->first;
      end = std::max(end, previous->second);
      ends_.erase(previous);
    }
  }
  while (next != ends_.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = ends_.erase(next);
  }
  ends_[begin] = end;
}

void RangeSet::Remove(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  auto at = ends_.upper_bound(begin);
  if (at != ends_.begin()) --at;
  while (at != ends_.end() && at->first < end) {
    const auto [from, to] = *at;
    if (to <= begin) {
      ++at;
      continue;
    }
    at = ends_.erase(at);
    if (from < begin) ends_[from] = begin;
    if (to > end) ends_[end] = to;
  }
}

bool RangeSet::Covers(uint64_t begin, uint64_t end) const {
  if (begin >= end) return true;
  auto next = ends_.upper_bound(begin);
  return next != ends_.begin() && std::prev(next)->second >= end;
}

uint64_t RangeSet::End() const { return ends_.empty() ? 0 : ends_.rbegin()->second; }

std::vector<Range> RangeSet::Ranges() const {
  std::vector<Range> ranges;
  ranges.reserve(ends_.size());
  for (const auto& [begin, end] : ends_) ranges.push_back({begin, end - begin});
  return ranges;
}

}  // namespace longshore
