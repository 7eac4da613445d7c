// The part file under many threads: what ThreadSanitizer and AddressSanitizer are to look at. What
// it promises is tested through its door, in tests/native/part-file*.test.ts.

#include "native/core/part_file.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <random>
#include <thread>

#include "native/core/blob_reader.h"
#include "native/core/crc32c.h"
#include "native/core/sha256.h"
#include "native/core/storage_error.h"
#include "native/core/verifier.h"
#include "tests/native/check.h"
#include "tests/native/random_bytes.h"

namespace longshore {

namespace {

// Waits for a call with a callback.
template <typename T, typename Call>
T Await(Call&& call) {
  std::promise<T> promise;
  call([&promise](Outcome<T> outcome) {
    if (outcome.failure) {
      promise.set_exception(outcome.failure);
    } else {
      promise.set_value(std::move(*outcome.value));
    }
  });
  return promise.get_future().get();
}

using Finished = std::shared_ptr<const Content>;

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "longshore-part-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

Digest DigestOf(const std::vector<uint8_t>& content) {
  Digest digest;
  Sha256Digest(content.data(), content.size(), digest.data());
  return digest;
}

void WriteAll(PartFile& file, const std::vector<uint8_t>& content, size_t from, size_t to,
              size_t piece) {
  std::vector<std::future<void>> writes;
  for (size_t offset = from; offset < to; offset += piece) {
    const size_t bytes = std::min(piece, to - offset);
    auto settled = std::make_shared<std::promise<void>>();
    writes.push_back(settled->get_future());
    file.Write(offset, {{content.data() + offset, bytes}},
               Crc32c(0, content.data() + offset, bytes),
               [settled](const Outcome<Nothing>& outcome) {
                 if (outcome.failure) {
                   settled->set_exception(outcome.failure);
                 } else {
                   settled->set_value();
                 }
               });
  }
  for (auto& write : writes) write.get();
}

const std::vector<testing::Fact> kFacts = {
    {"threads that write runs, sync, compare and look at once make one good blob",
     [] {
       const Folder folder;
       const auto content = testing::RandomBytes(8 * kChunkBytes + 4321, 7);
       const auto file = PartFile::Open({folder / "upload", "s", false, content.size(), nullptr});
       std::vector<std::thread> threads;
       std::atomic<bool> over{false};
       for (size_t part = 0; part < 4; ++part) {
         threads.emplace_back([&, part] {
           const size_t from = 2 * part * kChunkBytes;
           const size_t to = part == 3 ? content.size() : from + 2 * kChunkBytes;
           WriteAll(*file, content, from, to, 65'537 + 1000 * part);
         });
       }
       std::thread looker([&] {
         while (!over) {
           const Persisted persisted = Await<Persisted>([&](auto done) { file->Sync(done); });
           CHECK(persisted.crc32c == Crc32c(0, content.data(), persisted.size));
           CHECK(file->next_offset() <= content.size());
           Await<bool>([&](auto done) { file->Matches(0, {{content.data(), 1000}}, done); });
         }
       });
       for (auto& thread : threads) thread.join();
       over = true;
       looker.join();
       const auto finished =
           Await<Finished>([&](auto done) { file->Finish(content.size(), done); });
       CHECK(finished->sha256 == DigestOf(content));
       const BlobPaths to{folder / "b", folder / "b.manifest"};
       Await<Nothing>([&](auto done) { file->Publish(to, done); });
       Await<Nothing>([&](auto done) { file->Close(done); });
       const BlobReader reader(to.content, to.manifest);
       const CheckedBytes read = reader.Read(12'345, 7'000'000);
       CHECK(read.bytes.size() == 7'000'000);
       CHECK(std::equal(read.bytes.begin(), read.bytes.end(), content.begin() + 12'345));
       const Verification found =
           Await<Verification>([&](auto done) { VerifyBlob(to.content, to.manifest, {}, done); });
       CHECK(found.bad_chunks.empty());
     }},
    {"a bad piece among many in flight takes exactly those behind it along, and the run goes on",
     [] {
       const Folder folder;
       const auto content = testing::RandomBytes(kChunkBytes, 3);
       const auto file = PartFile::Open({folder / "upload", "s", true, std::nullopt, nullptr});
       constexpr size_t kPiece = 10'000;
       for (size_t round = 0; file->next_offset() < content.size(); ++round) {
         const uint64_t begin = file->next_offset();
         const uint64_t bad = round % 3 == 2 ? content.size() : begin + kPiece * (round % 7);
         std::vector<std::future<bool>> writes;
         for (uint64_t offset = begin;
              offset < std::min<uint64_t>(content.size(), begin + 10 * kPiece); offset += kPiece) {
           const size_t bytes = std::min<size_t>(kPiece, content.size() - offset);
           auto settled = std::make_shared<std::promise<bool>>();
           writes.push_back(settled->get_future());
           const uint32_t crc = Crc32c(0, content.data() + offset, bytes) + (offset == bad ? 1 : 0);
           try {
             file->Write(offset, {{content.data() + offset, bytes}}, crc,
                         [settled](const Outcome<Nothing>& outcome) {
                           settled->set_value(!outcome.failure);
                         });
           } catch (const StorageError&) {
             settled->set_value(false);
           }
         }
         uint64_t good = begin;
         bool failed = false;
         for (auto& write : writes) {
           const bool well = write.get();
           CHECK(!(well && failed));
           failed = failed || !well;
           if (well) good = std::min<uint64_t>(content.size(), good + kPiece);
         }
         CHECK(file->next_offset() == good);
         CHECK(failed == (bad < begin + 10 * kPiece && bad < content.size()));
       }
       const auto finished =
           Await<Finished>([&](auto done) { file->Finish(content.size(), done); });
       CHECK(finished->sha256 == DigestOf(content));
       Await<Nothing>([&](auto done) { file->Close(done); });
     }},
    {"a file that is let go of with calls under way still answers them",
     [] {
       const Folder folder;
       const auto content = testing::RandomBytes(2 * kChunkBytes, 5);
       for (int round = 0; round < 20; ++round) {
         std::promise<Persisted> synced;
         {
           const auto file = PartFile::Open(
               {folder / ("upload" + std::to_string(round)), "s", true, std::nullopt, nullptr});
           file->Write(0, {{content.data(), content.size()}}, std::nullopt,
                       [](const Outcome<Nothing>&) {});
           file->Sync([&synced](Outcome<Persisted> outcome) { synced.set_value(*outcome.value); });
         }
         CHECK(synced.get_future().get().size == content.size());
       }
     }},
};

}  // namespace

}  // namespace longshore

int main() { return longshore::testing::RunFacts(longshore::kFacts); }
