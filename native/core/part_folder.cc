#include "native/core/part_folder.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "native/core/posix_file.h"
#include "native/core/sha256.h"
#include "native/core/storage_error.h"

namespace longshore {

namespace {

constexpr std::string_view kJournalSuffix = ".journal";
constexpr size_t kJournalBytesMax = size_t{1} << 30;
constexpr size_t kJournalsMax = 10'000;
constexpr int kListingTriesMax = 20;

std::vector<std::string> ListSessions(const std::string& folder) {
  std::vector<std::string> sessions;
  for (const std::string& name : ListFolder(folder)) {
    if (name.size() <= kJournalSuffix.size()) continue;
    const size_t stem = name.size() - kJournalSuffix.size();
    if (name.compare(stem, std::string::npos, kJournalSuffix) == 0) {
      sessions.push_back(name.substr(0, stem));
    }
  }
  if (sessions.size() > kJournalsMax) {
    throw std::system_error(EFBIG, std::generic_category(), "read the journals of " + folder);
  }
  std::sort(sessions.begin(), sessions.end());
  return sessions;
}

// Nothing when the journal went away meanwhile.
std::optional<std::vector<uint8_t>> TryToRead(const std::string& path) {
  try {
    return ReadFile(path, kJournalBytesMax);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::no_such_file_or_directory) throw;
    return std::nullopt;
  }
}

// An opening replaces the journals before it by one of its own, so a listing may show neither: it
// counts only when nothing changed while it was read.
std::vector<Journal> ReadAll(const std::string& folder, std::vector<std::string>& sessions) {
  std::vector<Journal> journals;
  for (int tries = 0; tries < kListingTriesMax; ++tries) {
    sessions = ListSessions(folder);
    journals.clear();
    for (const std::string& session : sessions) {
      const auto bytes = TryToRead(JournalPath(folder, session));
      if (!bytes) continue;
      auto journal = ParseJournal(bytes->data(), bytes->size());
      if (journal) journals.push_back(std::move(*journal));
    }
    if (ListSessions(folder) == sessions) break;
  }
  return journals;
}

// The content as far as it is there; an absent one is empty.
class Stored final {
 public:
  explicit Stored(std::string path) : path_(std::move(path)) {
    try {
      fd_ = OpenToRead(path_);
      size_ = FileSize(fd_.get(), path_);
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::no_such_file_or_directory) throw;
    }
  }

  uint64_t size() const { return size_; }

  bool Holds(uint64_t index, const ChunkClaim& claim) {
    buffer_.resize(kChunkBytes);
    const uint64_t offset = index * kChunkBytes;
    if (ReadAt(fd_.get(), path_, offset, buffer_.data(), claim.bytes) != claim.bytes) return false;
    Digest digest;
    Sha256Digest(buffer_.data(), claim.bytes, digest.data());
    return digest == claim.digest;
  }

 private:
  std::string path_;
  UniqueFd fd_;
  uint64_t size_ = 0;
  std::vector<uint8_t> buffer_;
};

void MergeChunks(const std::vector<Journal>& journals, Stored& stored, ChunkClaims& merged) {
  std::set<uint64_t> refuted;
  for (const Journal& journal : journals) {
    for (const auto& [index, claim] : journal.chunks) {
      if (index * kChunkBytes + claim.bytes > stored.size()) continue;
      const auto [known, added] = merged.try_emplace(index, claim);
      if (added && refuted.count(index) == 0) continue;
      if (!added && known->second == claim) continue;
      const bool longer = added || claim.bytes > known->second.bytes;
      if (stored.Holds(index, claim) && (longer || !stored.Holds(index, known->second))) {
        known->second = claim;
      } else if (added || !stored.Holds(index, known->second)) {
        merged.erase(known);
        refuted.insert(index);
      }
    }
  }
}

// Whether this journal's frontier went over the very chunks that are there.
bool Agrees(const Journal& journal, const ChunkClaims& merged) {
  for (uint64_t index = 0; index < journal.frontier->offset / kChunkBytes; ++index) {
    const auto own = journal.chunks.find(index);
    const auto there = merged.find(index);
    if (own == journal.chunks.end() || there == merged.end()) return false;
    if (own->second != there->second) return false;
  }
  return true;
}

}  // namespace

std::string ContentPath(const std::string& folder) { return folder + "/content"; }
std::string LockPath(const std::string& folder) { return folder + "/lock"; }
std::string JournalPath(const std::string& folder, const std::string& session) {
  return folder + "/" + session + std::string(kJournalSuffix);
}

size_t CountJournals(const std::string& folder) { return ListSessions(folder).size(); }

Journaled ReadJournals(const std::string& folder) {
  Journaled journaled;
  const std::vector<Journal> journals = ReadAll(folder, journaled.sessions);
  Stored stored(ContentPath(folder));
  MergeChunks(journals, stored, journaled.chunks);
  for (const Journal& journal : journals) {
    if (journal.header.total_bytes) journaled.total_bytes = journal.header.total_bytes;
    if (!journal.frontier || journal.frontier->offset > stored.size()) continue;
    if (journaled.frontier && journaled.frontier->offset >= journal.frontier->offset) continue;
    if (Agrees(journal, journaled.chunks)) journaled.frontier = journal.frontier;
  }
  return journaled;
}

Durability DurabilityOf(const Journaled& journaled) {
  Durability durability;
  if (journaled.frontier) {
    const ChunkHasher hasher(*journaled.frontier);
    durability.SetFrontier(hasher.offset(), hasher.Crc());
  }
  for (const auto& [index, claim] : journaled.chunks) durability.AddChunk(index, claim);
  return durability;
}

}  // namespace longshore
