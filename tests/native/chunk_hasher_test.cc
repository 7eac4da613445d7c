#include "native/core/chunk_hasher.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <random>
#include <stdexcept>
#include <vector>

#include "native/core/crc32c.h"
#include "native/core/hash_in_parallel.h"
#include "tests/native/check.h"
#include "tests/native/random_bytes.h"

namespace longshore {
namespace {

using testing::RandomBytes;

Digest DigestOf(const uint8_t* data, size_t bytes) {
  Digest digest;
  Sha256Digest(data, bytes, digest.data());
  return digest;
}

// What every test compares with: each digest and CRC made on its own.
HashedChunks Expected(const std::vector<uint8_t>& content, uint64_t first_chunk = 0) {
  HashedChunks chunks;
  chunks.first_chunk = first_chunk;
  for (size_t at = 0; at < content.size(); at += kChunkBytes) {
    const size_t bytes = std::min(kChunkBytes, content.size() - at);
    chunks.digests.push_back(DigestOf(content.data() + at, bytes));
  }
  for (size_t at = 0; at < content.size(); at += kBlockBytes) {
    const size_t bytes = std::min(kBlockBytes, content.size() - at);
    chunks.block_crcs.push_back(Crc32c(0, content.data() + at, bytes));
  }
  return chunks;
}

bool Same(const HashedChunks& a, const HashedChunks& b) {
  return a.first_chunk == b.first_chunk && a.digests == b.digests && a.block_crcs == b.block_crcs;
}

void Append(HashedChunks* all, const HashedChunks& more) {
  CHECK(more.first_chunk == all->first_chunk + all->digests.size());
  all->digests.insert(all->digests.end(), more.digests.begin(), more.digests.end());
  all->block_crcs.insert(all->block_crcs.end(), more.block_crcs.begin(), more.block_crcs.end());
}

constexpr size_t kSizes[] = {0,
                             1,
                             63,
                             64,
                             kBlockBytes - 1,
                             kBlockBytes,
                             kBlockBytes + 1,
                             kChunkBytes - 1,
                             kChunkBytes,
                             kChunkBytes + 1,
                             kChunkBytes + 5 * kBlockBytes,
                             3 * kChunkBytes,
                             3 * kChunkBytes + 12345};

void CrcsMadeElsewhereServeAsWell() {
  std::mt19937 random(9);
  const std::vector<uint8_t> content = RandomBytes(2 * kChunkBytes + 54321, 9);
  for (int round = 0; round < 20; ++round) {
    ChunkHasher hasher(0, true);
    for (size_t at = 0; at < content.size();) {
      const size_t stretch = std::min<size_t>(content.size() - at, random() % (3 * kBlockBytes));
      std::vector<Span> pieces;
      for (size_t done = 0; done < stretch;) {
        const size_t bytes = std::min<size_t>(stretch - done, random() % 40'000);
        pieces.push_back({content.data() + at + done, bytes});
        done += bytes;
      }
      const PartCrcs crcs = MakePartCrcs(at, pieces);
      CHECK(crcs.all == Crc32c(0, content.data() + at, stretch));
      hasher.Update(pieces, crcs);
      at += stretch;
      CHECK(hasher.offset() == at);
      CHECK(hasher.Crc() == Crc32c(0, content.data(), at));
    }
    CHECK(hasher.WholeDigest() == DigestOf(content.data(), content.size()));
    hasher.Finish();
    CHECK(Same(hasher.TakeChunks(), Expected(content)));
  }
}

void OnePassGivesEveryDigest() {
  for (const size_t size : kSizes) {
    const std::vector<uint8_t> content = RandomBytes(size, 1);
    ChunkHasher hasher(0, true);
    hasher.Update(content.data(), content.size());
    CHECK(hasher.offset() == size);
    CHECK(hasher.Crc() == Crc32c(0, content.data(), size));
    CHECK(hasher.WholeDigest() == DigestOf(content.data(), size));
    hasher.Finish();
    CHECK(Same(hasher.TakeChunks(), Expected(content)));
    CHECK(hasher.Crc() == Crc32c(0, content.data(), size));
    CHECK(hasher.WholeDigest() == DigestOf(content.data(), size));
    CHECK(hasher.TakeChunks().digests.empty());
  }
}

void PiecesOfAnySize() {
  const std::vector<uint8_t> content = RandomBytes(3 * kChunkBytes + 777, 2);
  std::mt19937 random(3);
  for (int round = 0; round < 6; ++round) {
    const size_t most = round % 2 == 0 ? 5000 : 2 * kChunkBytes;
    ChunkHasher hasher(0, true);
    uint32_t crc = 0;
    HashedChunks chunks;
    for (size_t at = 0; at < content.size();) {
      const size_t bytes = std::min<size_t>(random() % most, content.size() - at);
      hasher.Update(content.data() + at, bytes);
      crc = Crc32c(crc, content.data() + at, bytes);
      at += bytes;
      CHECK(hasher.Crc() == crc);
      Append(&chunks, hasher.TakeChunks());
      CHECK(chunks.digests.size() == at / kChunkBytes);
    }
    hasher.Finish();
    Append(&chunks, hasher.TakeChunks());
    CHECK(Same(chunks, Expected(content)));
    CHECK(hasher.WholeDigest() == DigestOf(content.data(), content.size()));
  }
}

void CarryOnAt(const std::vector<uint8_t>& content, size_t cut, bool whole) {
  ChunkHasher before(0, whole);
  before.Update(content.data(), cut);
  HashedChunks chunks = before.TakeChunks();
  ChunkHasher after(before.Save());
  CHECK(after.offset() == cut);
  after.Update(content.data() + cut, content.size() - cut);
  after.Finish();
  Append(&chunks, after.TakeChunks());
  CHECK(Same(chunks, Expected(content)));
  CHECK(after.Crc() == Crc32c(0, content.data(), content.size()));
  if (whole) CHECK(after.WholeDigest() == DigestOf(content.data(), content.size()));
}

void StatesCarryOnAtAnyOffset() {
  const std::vector<uint8_t> content = RandomBytes(2 * kChunkBytes + 3 * kBlockBytes + 99, 4);
  std::mt19937 random(5);
  for (const size_t size : kSizes) {
    if (size > content.size()) continue;
    CarryOnAt(content, size, true);
    CarryOnAt(content, size, false);
  }
  for (int round = 0; round < 12; ++round) {
    CarryOnAt(content, random() % content.size(), round % 2 == 0);
  }
}

void StartsInTheMiddle() {
  const std::vector<uint8_t> content = RandomBytes(2 * kChunkBytes + 5, 6);
  ChunkHasher hasher(7 * kChunkBytes, false);
  hasher.Update(content.data(), content.size());
  hasher.Finish();
  CHECK(Same(hasher.TakeChunks(), Expected(content, 7)));
  CHECK(hasher.Crc() == Crc32c(0, content.data(), content.size()));
  CHECK_THROWS(hasher.WholeDigest(), std::logic_error);
  CHECK_THROWS(hasher.Update(content.data(), 1), std::logic_error);
}

void RefusesContradictions() {
  CHECK_THROWS(ChunkHasher(1, true), std::invalid_argument);
  ChunkHasherState state;
  state.start = kChunkBytes;
  CHECK_THROWS((ChunkHasher(state)), std::invalid_argument);
  state.start = 0;
  state.whole = true;
  state.offset = 64;
  state.whole_state.h[0] ^= 1;
  CHECK_THROWS((ChunkHasher(state)), std::invalid_argument);
  state.offset = kChunkBytes + 64;
  CHECK(ChunkHasher(state).offset() == kChunkBytes + 64);
}

ReadContent From(const std::vector<uint8_t>& content) {
  return [&content](uint64_t offset, uint8_t* into, size_t bytes) {
    const size_t given = std::min<size_t>(bytes, content.size() - offset);
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), given, into);
    return given;
  };
}

void ParallelEqualsOnePass() {
  const std::vector<uint8_t> content = RandomBytes(50 * kChunkBytes + 4321, 7);
  for (const size_t size : {size_t{0}, 5 * kChunkBytes + 1, 16 * kChunkBytes, content.size()}) {
    const std::vector<uint8_t> part(content.begin(),
                                    content.begin() + static_cast<std::ptrdiff_t>(size));
    const ContentDigests digests = HashInParallel(From(part));
    CHECK(digests.bytes == size);
    CHECK(digests.crc32c == Crc32c(0, part.data(), size));
    CHECK(digests.sha256 == DigestOf(part.data(), size));
    CHECK(Same(digests.chunks, Expected(part)));
  }
}

void ParallelPassesOnWhatReadingThrows() {
  const std::vector<uint8_t> content = RandomBytes(40 * kChunkBytes, 8);
  const auto fails = [&content](uint64_t offset, uint8_t* into, size_t bytes) {
    if (offset > 0) throw std::runtime_error("the disk is gone");
    return From(content)(offset, into, bytes);
  };
  CHECK_THROWS(HashInParallel(fails), std::runtime_error);
}

}  // namespace
}  // namespace longshore

int main() {
  using namespace longshore;
  return testing::RunFacts({
      {"one pass gives every digest", OnePassGivesEveryDigest},
      {"CRCs made elsewhere serve as well", CrcsMadeElsewhereServeAsWell},
      {"pieces of any size give the same", PiecesOfAnySize},
      {"states carry on at any offset", StatesCarryOnAtAnyOffset},
      {"starts in the middle", StartsInTheMiddle},
      {"refuses states that contradict themselves", RefusesContradictions},
      {"two threads give what one pass gives", ParallelEqualsOnePass},
      {"what reading throws comes out", ParallelPassesOnWhatReadingThrows},
  });
}
