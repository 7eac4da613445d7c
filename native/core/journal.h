#ifndef LONGSHORE_NATIVE_CORE_JOURNAL_H_
#define LONGSHORE_NATIVE_CORE_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "native/core/chunk_hasher.h"
#include "native/core/content.h"

// What one opening of a part file knows to be durable: records that are appended, each with its
// length and its CRC. The bytes are described in docs/formats.md. Plain functions; the file itself
// is written by JournalFile.

namespace longshore {

// Chunks by index.
using ChunkClaims = std::map<uint64_t, ChunkClaim>;

struct JournalHeader {
  std::string session;
  std::optional<uint64_t> total_bytes;
};

// All that the good records of a journal say; a later record overrules an earlier one.
struct Journal {
  JournalHeader header;
  ChunkClaims chunks;
  // How far the whole content's digest has come. Its last record counts.
  std::optional<ChunkHasherState> frontier;
};

// The start of a new journal.
std::vector<uint8_t> EncodeJournalHead(const JournalHeader& header);
void AppendChunks(std::vector<uint8_t>& to, const ChunkClaims& chunks);
void AppendFrontier(std::vector<uint8_t>& to, const ChunkHasherState& frontier);

// Reads up to the first record that is torn or makes no sense: from there on nothing is trusted.
// No value when not even the header is good.
std::optional<Journal> ParseJournal(const uint8_t* data, size_t bytes);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_JOURNAL_H_
