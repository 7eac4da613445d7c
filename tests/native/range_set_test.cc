#include "native/core/range_set.h"

#include <random>
#include <set>

#include "native/core/durability.h"
#include "tests/native/check.h"

namespace longshore {

namespace {

constexpr uint64_t kUniverse = 64;

const std::vector<testing::Fact> kFacts = {
    {"a range set is the set of its bytes, merged",
     [] {
       std::mt19937 random(1);
       RangeSet ranges;
       std::set<uint64_t> bytes;
       for (int step = 0; step < 20'000; ++step) {
         const uint64_t begin = random() % kUniverse;
         const uint64_t end = begin + random() % (kUniverse - begin + 1);
         const bool add = random() % 2 == 0;
         if (add) {
           ranges.Add(begin, end);
         } else {
           ranges.Remove(begin, end);
         }
         for (uint64_t byte = begin; byte < end; ++byte) {
           if (add) {
             bytes.insert(byte);
           } else {
             bytes.erase(byte);
           }
         }
         std::set<uint64_t> listed;
         uint64_t last_end = 0;
         bool first = true;
         for (const Range& range : ranges.Ranges()) {
           CHECK(range.length > 0);
           CHECK(first || range.offset > last_end);
           first = false;
           last_end = range.offset + range.length;
           for (uint64_t byte = range.offset; byte < last_end; ++byte) listed.insert(byte);
         }
         CHECK(listed == bytes);
         bool covered = true;
         for (uint64_t byte = begin; byte < end; ++byte)
           covered = covered && bytes.count(byte) != 0;
         CHECK(ranges.Covers(begin, end) == covered);
       }
     }},
    {"the durable prefix grows over chunks that touch it and shrinks when one is dropped",
     [] {
       Durability durability;
       ChunkClaim claim;
       claim.bytes = kChunkBytes;
       durability.AddChunk(2, claim);
       durability.SetFrontier(kChunkBytes, 7);
       CHECK(durability.Sum().size == kChunkBytes && durability.Sum().crc32c == 7);
       durability.AddChunk(1, claim);
       CHECK(durability.Sum().size == 3 * kChunkBytes && durability.Sum().ranges.size() == 1);
       durability.DropChunk(2);
       CHECK(durability.Sum().size == 2 * kChunkBytes);
       durability.DropChunk(1);
       CHECK(durability.Sum().size == kChunkBytes && durability.Sum().crc32c == 7);
       durability.AddChunk(2, claim);
       CHECK(durability.Sum().ranges.size() == 2);
     }},
};

}  // namespace

}  // namespace longshore

int main() { return longshore::testing::RunFacts(longshore::kFacts); }
