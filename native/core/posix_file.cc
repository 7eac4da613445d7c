#include "native/core/posix_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

namespace longshore {

namespace {

[[noreturn]] void Fail(int error, const char* tried, const std::string& path) {
  throw std::system_error(error, std::generic_category(), std::string(tried) + " " + path);
}

template <typename Call>
auto Uninterrupted(Call&& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

UniqueFd Open(const std::string& path, int flags, const char* tried) {
  constexpr mode_t kMode = 0640;
  const int fd = Uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kMode); });
  if (fd < 0) Fail(errno, tried, path);
  return UniqueFd(fd);
}

#ifdef IOV_MAX
constexpr size_t kSegmentsPerCall = IOV_MAX;
#else
constexpr size_t kSegmentsPerCall = 16;  // what POSIX promises at least
#endif

}  // namespace

UniqueFd OpenToRead(const std::string& path) { return Open(path, O_RDONLY, "open"); }

UniqueFd OpenToReadAndWrite(const std::string& path) {
  return Open(path, O_RDWR | O_CREAT | O_NOFOLLOW, "open");
}

UniqueFd CreateFile(const std::string& path) {
  return Open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, "create");
}

UniqueFd CreateNewFile(const std::string& path) {
  return Open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, "create");
}

uint64_t FileSize(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) Fail(errno, "stat", path);
  return static_cast<uint64_t>(status.st_size);
}

size_t ReadAt(int fd, const std::string& path, uint64_t offset, void* to, size_t bytes) {
  auto* at = static_cast<uint8_t*>(to);
  size_t done = 0;
  while (done < bytes) {
    const ssize_t got = Uninterrupted(
        [&] { return ::pread(fd, at + done, bytes - done, static_cast<off_t>(offset + done)); });
    if (got < 0) Fail(errno, "read", path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

void WriteAt(int fd, const std::string& path, uint64_t offset, const std::vector<Span>& segments) {
  std::vector<iovec> rest;
  rest.reserve(segments.size());
  for (const Span& segment : segments) {
    if (segment.bytes == 0) continue;
    // iovec is shared with reading calls, so it takes no const.
    rest.push_back({const_cast<uint8_t*>(segment.data), segment.bytes});
  }
  size_t first = 0;
  while (first < rest.size()) {
    const auto count = static_cast<int>(std::min(rest.size() - first, kSegmentsPerCall));
    const ssize_t put = Uninterrupted(
        [&] { return ::pwritev(fd, &rest[first], count, static_cast<off_t>(offset)); });
    if (put < 0) Fail(errno, "write", path);
    if (put == 0) Fail(EIO, "write", path);
    offset += static_cast<uint64_t>(put);
    auto left = static_cast<size_t>(put);
    while (left > 0 && left >= rest[first].iov_len) left -= rest[first++].iov_len;
    if (left > 0) {
      rest[first].iov_base = static_cast<uint8_t*>(rest[first].iov_base) + left;
      rest[first].iov_len -= left;
    }
  }
}

std::vector<uint8_t> ReadFile(const std::string& path, size_t bytes_max) {
  const UniqueFd fd = OpenToRead(path);
  const uint64_t size = FileSize(fd.get(), path);
  if (size > bytes_max) Fail(EFBIG, "read", path);
  std::vector<uint8_t> content(static_cast<size_t>(size));
  content.resize(ReadAt(fd.get(), path, 0, content.data(), content.size()));
  return content;
}

void Preallocate(int fd, const std::string& path, uint64_t bytes) {
  if (bytes == 0) return;
#if defined(__linux__)
  const int result = Uninterrupted(
      [&] { return ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)); });
  if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return;
  const int error = errno;
  // What was taken before the room ran out is given back.
  Truncate(fd, path, FileSize(fd, path));
  Fail(error, "preallocate", path);
#elif defined(__APPLE__)
  const uint64_t size = FileSize(fd, path);
  if (bytes <= size) return;
  fstore_t store{};
  store.fst_flags = F_ALLOCATEALL;
  store.fst_posmode = F_PEOFPOSMODE;
  store.fst_length = static_cast<off_t>(bytes - size);
  if (::fcntl(fd, F_PREALLOCATE, &store) == 0 || errno == ENOTSUP) return;
  Fail(errno, "preallocate", path);
#endif
}

void Truncate(int fd, const std::string& path, uint64_t bytes) {
  if (Uninterrupted([&] { return ::ftruncate(fd, static_cast<off_t>(bytes)); }) != 0) {
    Fail(errno, "truncate", path);
  }
}

// macOS: fsync() leaves the bytes in the drive's cache; F_FULLFSYNC does not (man 2 fsync).
#if defined(__APPLE__)
void SyncData(int fd, const std::string& path) {
  if (Uninterrupted([&] { return ::fcntl(fd, F_FULLFSYNC); }) != 0) Fail(errno, "sync", path);
}
void SyncAll(int fd, const std::string& path) { SyncData(fd, path); }
#else
void SyncData(int fd, const std::string& path) {
  if (Uninterrupted([&] { return ::fdatasync(fd); }) != 0) Fail(errno, "sync", path);
}
void SyncAll(int fd, const std::string& path) {
  if (Uninterrupted([&] { return ::fsync(fd); }) != 0) Fail(errno, "sync", path);
}
#endif

void SyncFolder(const std::string& folder) {
  const UniqueFd fd = Open(folder, O_RDONLY | O_DIRECTORY, "open");
  SyncAll(fd.get(), folder);
}

void Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) Fail(errno, "rename", from + " to " + to);
}

bool Remove(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  Fail(errno, "remove", path);
}

bool MakeFolder(const std::string& folder) {
  constexpr mode_t kMode = 0750;
  if (::mkdir(folder.c_str(), kMode) != 0) {
    if (errno == EEXIST) return false;
    Fail(errno, "make folder", folder);
  }
  SyncFolder(ParentOf(folder));
  return true;
}

std::vector<std::string> ListFolder(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
  std::vector<std::string> names;
  if (!open) {
    if (errno == ENOENT) return names;
    Fail(errno, "list", folder);
  }
  errno = 0;
  // Safe while each thread has a stream of its own, as here.
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  if (errno != 0) Fail(errno, "list", folder);
  return names;
}

std::string ParentOf(const std::string& path) {
  const size_t last = path.find_last_not_of('/');
  if (last == std::string::npos) return path.empty() ? "." : "/";
  const size_t slash = path.find_last_of('/', last);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace longshore
