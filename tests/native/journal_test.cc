#include "native/core/journal.h"

#include <algorithm>

#include "native/core/chunk_hasher.h"
#include "tests/native/check.h"
#include "tests/native/random_bytes.h"

namespace longshore {

namespace {

ChunkClaim ClaimOf(uint8_t mark, uint32_t bytes = kChunkBytes) {
  ChunkClaim claim;
  claim.bytes = bytes;
  claim.digest.fill(mark);
  for (uint64_t i = 0; i < BlocksIn(bytes); ++i)
    claim.block_crcs.at(i) = mark * 1000u + static_cast<uint32_t>(i);
  return claim;
}

ChunkHasherState FrontierAt(size_t bytes) {
  const auto content = testing::RandomBytes(bytes, 1);
  ChunkHasher hasher(0, true);
  hasher.Update(content.data(), content.size());
  return hasher.Save();
}

std::optional<Journal> Parse(const std::vector<uint8_t>& bytes) {
  return ParseJournal(bytes.data(), bytes.size());
}

const std::vector<testing::Fact> kFacts = {
    {"a journal gives back what was put in",
     [] {
       std::vector<uint8_t> bytes = EncodeJournalHead({"session-1", 12345});
       AppendChunks(bytes, {{0, ClaimOf(1)}, {7, ClaimOf(2, 65537)}});
       AppendFrontier(bytes, FrontierAt(1'300'001));
       const auto journal = Parse(bytes);
       CHECK(journal && journal->header.session == "session-1" &&
             journal->header.total_bytes == 12345);
       CHECK(journal->chunks.size() == 2 && journal->chunks.at(0) == ClaimOf(1));
       CHECK(journal->chunks.at(7).bytes == 65537 &&
             journal->chunks.at(7).block_crcs == ClaimOf(2, 65537).block_crcs);
       CHECK(journal->frontier->offset == 1'300'001);
       CHECK(ChunkHasher(*journal->frontier).WholeDigest() ==
             ChunkHasher(FrontierAt(1'300'001)).WholeDigest());
     }},
    {"an unknown total stays unknown",
     [] {
       CHECK(!Parse(EncodeJournalHead({"s", std::nullopt}))->header.total_bytes);
     }},
    {"the last record of a chunk and of the frontier counts",
     [] {
       std::vector<uint8_t> bytes = EncodeJournalHead({"s", std::nullopt});
       AppendChunks(bytes, {{3, ClaimOf(1)}});
       AppendFrontier(bytes, FrontierAt(500));
       AppendChunks(bytes, {{3, ClaimOf(2)}});
       AppendFrontier(bytes, FrontierAt(100));
       const auto journal = Parse(bytes);
       CHECK(journal->chunks.at(3) == ClaimOf(2));
       CHECK(journal->frontier->offset == 100);
     }},
    {"more chunks than one record holds are spread over several",
     [] {
       ChunkClaims chunks;
       for (uint64_t i = 0; i < 10'000; ++i) chunks.emplace(i, ClaimOf(static_cast<uint8_t>(i)));
       std::vector<uint8_t> bytes = EncodeJournalHead({"s", std::nullopt});
       AppendChunks(bytes, chunks);
       CHECK(Parse(bytes)->chunks == chunks);
     }},
    {"cut anywhere, it says what its whole records say",
     [] {
       std::vector<uint8_t> bytes = EncodeJournalHead({"s", std::nullopt});
       const size_t head = bytes.size();
       AppendFrontier(bytes, FrontierAt(100));
       const size_t one = bytes.size();
       AppendFrontier(bytes, FrontierAt(200));
       for (size_t cut = 0; cut <= bytes.size(); ++cut) {
         const auto journal = ParseJournal(bytes.data(), cut);
         CHECK(journal.has_value() == (cut >= head));
         if (!journal) continue;
         const uint64_t frontier = journal->frontier ? journal->frontier->offset : 0;
         CHECK(frontier == (cut < one ? 0u : cut < bytes.size() ? 100u : 200u));
       }
     }},
    {"with any bit flipped, nothing at or behind it is believed",
     [] {
       std::vector<uint8_t> bytes = EncodeJournalHead({"s", std::nullopt});
       const size_t head = bytes.size();
       AppendFrontier(bytes, FrontierAt(100));
       const size_t one = bytes.size();
       AppendFrontier(bytes, FrontierAt(200));
       for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
         bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] ^ 1u << bit % 8);
         const auto journal = Parse(bytes);
         if (bit < 8 * head) {
           CHECK(!journal);
         } else {
           CHECK((journal->frontier ? journal->frontier->offset : 0) ==
                 (bit < 8 * one ? 0u : 100u));
         }
         bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] ^ 1u << bit % 8);
       }
     }},
    {"zeros behind the end, as a crash may leave them, are no records",
     [] {
       std::vector<uint8_t> bytes = EncodeJournalHead({"s", std::nullopt});
       AppendFrontier(bytes, FrontierAt(100));
       bytes.resize(bytes.size() + 4096);
       CHECK(Parse(bytes)->frontier->offset == 100);
     }},
};

}  // namespace

}  // namespace longshore

int main() { return longshore::testing::RunFacts(longshore::kFacts); }
