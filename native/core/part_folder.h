#ifndef LONGSHORE_NATIVE_CORE_PART_FOLDER_H_
#define LONGSHORE_NATIVE_CORE_PART_FOLDER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "native/core/chunk_hasher.h"
#include "native/core/durability.h"
#include "native/core/journal.h"

// The folder of a part file: content, lock and one journal for each opening that synced.

namespace longshore {

std::string ContentPath(const std::string& folder);
std::string LockPath(const std::string& folder);
std::string JournalPath(const std::string& folder, const std::string& session);

// What all journals of a folder say together.
struct Journaled {
  ChunkClaims chunks;
  std::optional<ChunkHasherState> frontier;
  std::optional<uint64_t> total_bytes;
  std::vector<std::string> sessions;
};

// Reads every journal, without a lock; others may write meanwhile. Where two journals differ on a
// chunk, the content decides, and a frontier that passed over the other version does not count.
// What lies beyond the content's end is left out. An absent folder is an empty one.
Journaled ReadJournals(const std::string& folder);

// How many journals there are to read.
size_t CountJournals(const std::string& folder);

// The durable part of it.
Durability DurabilityOf(const Journaled& journaled);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_PART_FOLDER_H_
