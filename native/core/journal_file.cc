#include "native/core/journal_file.h"

#include <utility>

#include "native/core/posix_file.h"

namespace longshore {

void JournalFile::Start(const std::vector<uint8_t>& records) {
  const std::string temporary = path_ + ".new";
  UniqueFd fd = CreateFile(temporary);
  WriteAt(fd.get(), temporary, 0, {{records.data(), records.size()}});
  SyncAll(fd.get(), temporary);
  Rename(temporary, path_);
  SyncFolder(ParentOf(path_));
  fd_ = std::move(fd);
  bytes_ = records.size();
}

void JournalFile::Append(const std::vector<uint8_t>& records) {
  WriteAt(fd_.get(), path_, bytes_, {{records.data(), records.size()}});
  SyncData(fd_.get(), path_);
  bytes_ += records.size();
}

}  // namespace longshore
