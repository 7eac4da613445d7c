// The journal parser takes anything without harm. What it believes is a prefix of good records:
// written anew it reads the same, and a cut journal never says more than the whole one.

#include <algorithm>
#include <vector>

#include "native/core/byte_coding.h"
#include "native/core/chunk_hasher.h"
#include "native/core/crc32c.h"
#include "native/core/journal.h"
#include "native/fuzz/fuzz_target.h"

namespace longshore::fuzz {

namespace {

constexpr size_t kMagicBytes = 8;

std::vector<uint8_t> Sample() {
  const std::vector<uint8_t> data(3'000'000, 0x5a);
  ChunkHasher hasher(0, true);
  std::vector<uint8_t> journal = EncodeJournalHead({"fuzz", 3'000'000});
  for (size_t offset = 0; offset < data.size(); offset += 500'000) {
    hasher.Update(data.data() + offset, 500'000);
    const HashedChunks hashed = hasher.TakeChunks();
    ChunkClaims chunks;
    for (size_t i = 0; i < hashed.digests.size(); ++i) {
      ChunkClaim claim;
      claim.bytes = kChunkBytes;
      claim.digest = hashed.digests[i];
      std::copy_n(hashed.block_crcs.begin() + static_cast<std::ptrdiff_t>(i * kBlocksPerChunk),
                  kBlocksPerChunk, claim.block_crcs.begin());
      chunks.emplace(hashed.first_chunk + i, claim);
    }
    AppendChunks(journal, chunks);
    AppendFrontier(journal, hasher.Save());
  }
  return journal;
}

// Gives every record whose length makes sense the CRC that it should have, so that what is behind
// the CRC is reached.
void FixChecksums(std::vector<uint8_t>& journal) {
  size_t at = kMagicBytes;
  while (journal.size() >= at + 12) {
    const size_t payload = ByteReader(journal.data() + at, 4).Take<uint32_t>();
    if (payload > journal.size() - at - 12) return;
    const uint32_t crc = Crc32c(0, journal.data() + at, payload + 8);
    for (size_t i = 0; i < 4; ++i)
      journal[at + payload + 8 + i] = static_cast<uint8_t>(crc >> (8 * i));
    at += payload + 12;
  }
}

bool Same(const ChunkHasherState& a, const ChunkHasherState& b) {
  std::vector<uint8_t> left;
  std::vector<uint8_t> right;
  AppendFrontier(left, a);
  AppendFrontier(right, b);
  return left == right;
}

void Check(const std::vector<uint8_t>& bytes) {
  const auto journal = ParseJournal(bytes.data(), bytes.size());
  if (!journal) return;
  std::vector<uint8_t> again = EncodeJournalHead(journal->header);
  AppendChunks(again, journal->chunks);
  if (journal->frontier) AppendFrontier(again, *journal->frontier);
  const auto same = ParseJournal(again.data(), again.size());
  Require(same.has_value(), "a journal written anew is read");
  Require(same->header.session == journal->header.session, "the session stays");
  Require(same->header.total_bytes == journal->header.total_bytes, "the total stays");
  Require(same->chunks == journal->chunks, "the chunks stay");
  Require(same->frontier.has_value() == journal->frontier.has_value(), "the frontier stays there");
  Require(!journal->frontier || Same(*same->frontier, *journal->frontier), "the frontier stays");
  for (const auto& [index, claim] : journal->chunks) {
    Require(claim.bytes > 0 && claim.bytes <= kChunkBytes, "a chunk has a size");
  }
}

}  // namespace

}  // namespace longshore::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace longshore::fuzz;
  static const std::vector<uint8_t> sample = Sample();
  if (bytes == 0) return 0;
  if (data[0] % 3 == 0) {
    Check({data + 1, data + bytes});
    return 0;
  }
  std::vector<uint8_t> journal = Altered(sample, data + 1, bytes - 1);
  if (data[0] % 3 == 1) FixChecksums(journal);
  Check(journal);
  return 0;
}
