#include "native/core/journal.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "native/core/byte_coding.h"
#include "native/core/crc32c.h"

namespace longshore {

namespace {

constexpr char kMagic[] = {'L', 'S', 'J', 'R', 'N', 'L', '\r', '\n'};
constexpr uint32_t kVersion = 1;
constexpr uint32_t kHeaderRecord = 1;
constexpr uint32_t kChunksRecord = 2;
constexpr uint32_t kFrontierRecord = 3;

constexpr size_t kRecordHeadBytes = 4 + 4;  // length of the payload, type
constexpr size_t kPayloadBytesMax = size_t{1} << 20;
constexpr size_t kSessionBytesMax = 256;
constexpr size_t kChunksPerRecord = 4096;
constexpr uint64_t kUnknownTotal = ~uint64_t{0};
constexpr uint64_t kSizeMax = (uint64_t{1} << 53) - 1;  // what JavaScript counts exactly

static_assert(4 + kChunksPerRecord * (8 + 4 + kSha256DigestBytes + 4 * kBlocksPerChunk) <=
              kPayloadBytesMax);

void AppendRecord(std::vector<uint8_t>& to, uint32_t type, const std::vector<uint8_t>& payload) {
  const size_t start = to.size();
  Put<uint32_t>(to, static_cast<uint32_t>(payload.size()));
  Put<uint32_t>(to, type);
  PutBytes(to, payload.data(), payload.size());
  Put<uint32_t>(to, Crc32c(0, to.data() + start, to.size() - start));
}

void PutState(std::vector<uint8_t>& to, const Sha256State& state) {
  for (const uint32_t word : state.h) Put<uint32_t>(to, word);
}

Sha256State TakeState(ByteReader& from) {
  Sha256State state{};
  for (uint32_t& word : state.h) word = from.Take<uint32_t>();
  return state;
}

bool ParseHeader(ByteReader payload, JournalHeader& header) {
  if (payload.Take<uint32_t>() != kVersion) return false;
  if (payload.Take<uint32_t>() != kChunkBytes) return false;
  if (payload.Take<uint32_t>() != kBlockBytes) return false;
  const auto total = payload.Take<uint64_t>();
  if (total != kUnknownTotal) {
    if (total > kSizeMax) return false;
    header.total_bytes = total;
  }
  const size_t session_bytes = payload.left();
  if (!payload.ok() || session_bytes > kSessionBytesMax) return false;
  const auto* session = payload.TakePointer(session_bytes);
  header.session.assign(session, session + session_bytes);
  return true;
}

bool ParseChunks(ByteReader payload, ChunkClaims& chunks) {
  const auto count = payload.Take<uint32_t>();
  if (count == 0 || count > kChunksPerRecord) return false;
  ChunkClaims found;
  for (uint32_t i = 0; i < count; ++i) {
    const auto index = payload.Take<uint64_t>();
    ChunkClaim claim;
    claim.bytes = payload.Take<uint32_t>();
    if (index > kSizeMax / kChunkBytes) return false;
    if (claim.bytes == 0 || claim.bytes > kChunkBytes) return false;
    payload.TakeBytes(claim.digest.data(), claim.digest.size());
    const uint64_t blocks = BlocksIn(claim.bytes);
    for (uint64_t b = 0; b < blocks; ++b) claim.block_crcs.at(b) = payload.Take<uint32_t>();
    found.insert_or_assign(index, claim);
  }
  if (!payload.ok() || payload.left() != 0) return false;
  for (const auto& [index, claim] : found) chunks.insert_or_assign(index, claim);
  return true;
}

bool ParseFrontier(ByteReader payload, std::optional<ChunkHasherState>& frontier) {
  ChunkHasherState state;
  state.whole = true;
  state.offset = payload.Take<uint64_t>();
  state.whole_state = TakeState(payload);
  state.chunk_state = TakeState(payload);
  payload.TakeBytes(state.tail.data(), state.tail.size());
  for (uint32_t& crc : state.block_crcs) crc = payload.Take<uint32_t>();
  state.partial_crc = payload.Take<uint32_t>();
  state.blocks_crc = payload.Take<uint32_t>();
  if (!payload.ok() || payload.left() != 0 || state.offset > kSizeMax) return false;
  try {
    const ChunkHasher restored(state);
    frontier = restored.Save();
  } catch (const std::invalid_argument&) {
    return false;
  }
  return true;
}

}  // namespace

std::vector<uint8_t> EncodeJournalHead(const JournalHeader& header) {
  std::vector<uint8_t> payload;
  Put<uint32_t>(payload, kVersion);
  Put<uint32_t>(payload, kChunkBytes);
  Put<uint32_t>(payload, kBlockBytes);
  Put<uint64_t>(payload, header.total_bytes.value_or(kUnknownTotal));
  PutBytes(payload, header.session.data(), header.session.size());
  std::vector<uint8_t> bytes(std::begin(kMagic), std::end(kMagic));
  AppendRecord(bytes, kHeaderRecord, payload);
  return bytes;
}

void AppendChunks(std::vector<uint8_t>& to, const ChunkClaims& chunks) {
  auto next = chunks.begin();
  size_t left = chunks.size();
  while (left > 0) {
    const size_t count = std::min(left, kChunksPerRecord);
    std::vector<uint8_t> payload;
    Put<uint32_t>(payload, static_cast<uint32_t>(count));
    for (size_t i = 0; i < count; ++i, ++next) {
      const auto& [index, claim] = *next;
      Put<uint64_t>(payload, index);
      Put<uint32_t>(payload, claim.bytes);
      PutBytes(payload, claim.digest.data(), claim.digest.size());
      const uint64_t blocks = BlocksIn(claim.bytes);
      for (uint64_t b = 0; b < blocks; ++b) Put<uint32_t>(payload, claim.block_crcs.at(b));
    }
    AppendRecord(to, kChunksRecord, payload);
    left -= count;
  }
}

void AppendFrontier(std::vector<uint8_t>& to, const ChunkHasherState& frontier) {
  std::vector<uint8_t> payload;
  Put<uint64_t>(payload, frontier.offset);
  PutState(payload, frontier.whole_state);
  PutState(payload, frontier.chunk_state);
  PutBytes(payload, frontier.tail.data(), frontier.tail.size());
  for (const uint32_t crc : frontier.block_crcs) Put<uint32_t>(payload, crc);
  Put<uint32_t>(payload, frontier.partial_crc);
  Put<uint32_t>(payload, frontier.blocks_crc);
  AppendRecord(to, kFrontierRecord, payload);
}

std::optional<Journal> ParseJournal(const uint8_t* data, size_t bytes) {
  if (bytes < sizeof(kMagic) || !std::equal(std::begin(kMagic), std::end(kMagic), data)) {
    return std::nullopt;
  }
  std::optional<Journal> journal;
  const uint8_t* at = data + sizeof(kMagic);
  size_t left = bytes - sizeof(kMagic);
  while (left >= kRecordHeadBytes + 4) {
    ByteReader head(at, kRecordHeadBytes);
    const size_t payload_bytes = head.Take<uint32_t>();
    const auto type = head.Take<uint32_t>();
    if (payload_bytes > kPayloadBytesMax || payload_bytes + kRecordHeadBytes + 4 > left) break;
    const size_t checked = kRecordHeadBytes + payload_bytes;
    if (ByteReader(at + checked, 4).Take<uint32_t>() != Crc32c(0, at, checked)) break;
    const ByteReader payload(at + kRecordHeadBytes, payload_bytes);
    if (!journal) {
      JournalHeader header;
      if (type != kHeaderRecord || !ParseHeader(payload, header)) return std::nullopt;
      journal.emplace().header = std::move(header);
    } else if (type == kChunksRecord) {
      if (!ParseChunks(payload, journal->chunks)) break;
    } else if (type == kFrontierRecord) {
      if (!ParseFrontier(payload, journal->frontier)) break;
    } else {
      break;
    }
    at += checked + 4;
    left -= checked + 4;
  }
  return journal;
}

}  // namespace longshore
