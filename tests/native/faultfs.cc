// Makes file calls of one process fail, or kills it at one, by LD_PRELOAD. For tests only; Linux.
//
//   FAULTFS_UNDER=/folder   only calls on files below it count (required; nothing happens without)
//   FAULTFS_FAULTS=...      rules, separated by commas: call:n:what
//                             call  pwrite, fsync, fdatasync, rename, fallocate, ftruncate, unlink,
//                             mkdir or any
//                                   (pwrite is pwritev too)
//                             n     the n-th such call, from 1; "n+": that one and all after it
//                             what  EIO, ENOSPC, EDQUOT, EROFS or EINTR: fails so, nothing is done
//                                   SHORT: writes about half; KILL: kill -9 before the call;
//                                   STOP: the process stops before the call until it gets SIGCONT
//   FAULTFS_PLAN=/file      rules are read from this file instead, whenever it changes; that starts
//                           the counts anew. So a test can switch faults on in a running process.
//   FAULTFS_LOG=/file       one line for each counted call: number, call, path, what was done to it

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <mutex>
#include <string>
#include <vector>

namespace {

struct Rule {
  std::string call;
  unsigned long from = 0;
  bool onwards = false;
  std::string what;
  unsigned long seen = 0;
};

template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

std::string Variable(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

int ErrnoOf(const std::string& what) {
  if (what == "EIO") return EIO;
  if (what == "ENOSPC") return ENOSPC;
  if (what == "EDQUOT") return EDQUOT;
  if (what == "EROFS") return EROFS;
  if (what == "EINTR") return EINTR;
  ::fprintf(stderr, "faultfs: unknown fault %s\n", what.c_str());
  ::abort();
}

class Faults {
 public:
  Faults()
      : under_(Variable("FAULTFS_UNDER")),
        plan_(Variable("FAULTFS_PLAN")),
        log_(Variable("FAULTFS_LOG")) {
    Parse(Variable("FAULTFS_FAULTS"));
  }

  // What to do to this call: "" for nothing.
  std::string Next(const char* call, const std::string& path) {
    if (under_.empty() || path.compare(0, under_.size(), under_) != 0) return "";
    const std::lock_guard<std::mutex> lock(mutex_);
    Reload();
    ++number_;
    std::string what;
    for (Rule& rule : rules_) {
      if (rule.call != "any" && rule.call != call) continue;
      ++rule.seen;
      if (rule.seen == rule.from || (rule.onwards && rule.seen > rule.from)) what = rule.what;
    }
    Log(call, path, what);
    if (what == "KILL") ::kill(::getpid(), SIGKILL);
    if (what == "STOP") ::raise(SIGSTOP);  // to this thread, so that it goes no further
    return what == "STOP" ? "" : what;
  }

 private:
  void Parse(const std::string& text) {
    rules_.clear();
    for (size_t begin = 0; begin < text.size();) {
      size_t end = text.find(',', begin);
      if (end == std::string::npos) end = text.size();
      const std::string rule = text.substr(begin, end - begin);
      const size_t first = rule.find(':');
      const size_t second = rule.find(':', first + 1);
      if (first == std::string::npos || second == std::string::npos) {
        ::fprintf(stderr, "faultfs: not a rule: %s\n", rule.c_str());
        ::abort();
      }
      const std::string count = rule.substr(first + 1, second - first - 1);
      rules_.push_back({rule.substr(0, first), ::strtoul(count.c_str(), nullptr, 10),
                        count.back() == '+', rule.substr(second + 1)});
      begin = end + 1;
    }
  }

  void Reload() {
    struct stat status {};
    if (plan_.empty() || ::stat(plan_.c_str(), &status) != 0) return;
    const long long stamp = status.st_mtim.tv_sec * 1000000000LL + status.st_mtim.tv_nsec;
    if (stamp == plan_stamp_) return;
    plan_stamp_ = stamp;
    char text[4096];
    const int fd = ::open(plan_.c_str(), O_RDONLY | O_CLOEXEC);
    const ssize_t bytes = ::read(fd, text, sizeof(text));
    ::close(fd);
    std::string rules(text, bytes > 0 ? static_cast<size_t>(bytes) : 0);
    while (!rules.empty() && rules.back() == '\n') rules.pop_back();
    Parse(rules);
    number_ = 0;
  }

  void Log(const char* call, const std::string& path, const std::string& what) const {
    if (log_.empty()) return;
    const std::string line =
        std::to_string(number_) + " " + call + " " + path.substr(under_.size()) + " " + what + "\n";
    const int fd = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return;
    if (::write(fd, line.data(), line.size()) < 0) ::abort();
    ::close(fd);
  }

  const std::string under_;
  const std::string plan_;
  const std::string log_;
  std::mutex mutex_;
  std::vector<Rule> rules_;
  long long plan_stamp_ = 0;
  unsigned long number_ = 0;
};

std::string PathOf(int fd) {
  char link[64];
  char path[PATH_MAX];
  ::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t bytes = ::readlink(link, path, sizeof(path));
  return bytes <= 0 ? "" : std::string(path, static_cast<size_t>(bytes));
}

std::string Next(const char* call, const std::string& path) {
  static Faults* const faults = new Faults;  // threads may outlive static destruction
  return faults->Next(call, path);
}

// True when the call is to fail; errno is set then.
bool Fails(const std::string& what) {
  if (what.empty() || what == "SHORT") return false;
  errno = ErrnoOf(what);
  return true;
}

ssize_t Write(int fd, const void* data, size_t bytes, off64_t offset) {
  const std::string what = Next("pwrite", PathOf(fd));
  if (Fails(what)) return -1;
  static const auto real = Real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return real(fd, data, what == "SHORT" ? (bytes + 1) / 2 : bytes, offset);
}

ssize_t WriteVector(int fd, const iovec* pieces, int count, off64_t offset) {
  const std::string what = Next("pwrite", PathOf(fd));
  if (Fails(what)) return -1;
  if (what == "SHORT" && count > 0 && pieces[0].iov_len > 0) {
    static const auto one = Real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
    return one(fd, pieces[0].iov_base, (pieces[0].iov_len + 1) / 2, offset);
  }
  static const auto real = Real<ssize_t (*)(int, const iovec*, int, off64_t)>("pwritev64");
  return real(fd, pieces, count, offset);
}

}  // namespace

extern "C" {

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  return Write(fd, data, bytes, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t offset) {
  return Write(fd, data, bytes, offset);
}
ssize_t pwritev(int fd, const iovec* pieces, int count, off_t offset) {
  return WriteVector(fd, pieces, count, offset);
}
ssize_t pwritev64(int fd, const iovec* pieces, int count, off64_t offset) {
  return WriteVector(fd, pieces, count, offset);
}

int fsync(int fd) {
  if (Fails(Next("fsync", PathOf(fd)))) return -1;
  static const auto real = Real<int (*)(int)>("fsync");
  return real(fd);
}

int fdatasync(int fd) {
  if (Fails(Next("fdatasync", PathOf(fd)))) return -1;
  static const auto real = Real<int (*)(int)>("fdatasync");
  return real(fd);
}

int rename(const char* from, const char* to) {
  if (Fails(Next("rename", to))) return -1;
  static const auto real = Real<int (*)(const char*, const char*)>("rename");
  return real(from, to);
}

int unlink(const char* path) {
  if (Fails(Next("unlink", path))) return -1;
  static const auto real = Real<int (*)(const char*)>("unlink");
  return real(path);
}

int mkdir(const char* path, mode_t mode) {
  if (Fails(Next("mkdir", path))) return -1;
  static const auto real = Real<int (*)(const char*, mode_t)>("mkdir");
  return real(path, mode);
}

int fallocate(int fd, int mode, off_t offset, off_t bytes) {
  if (Fails(Next("fallocate", PathOf(fd)))) return -1;
  static const auto real = Real<int (*)(int, int, off_t, off_t)>("fallocate");
  return real(fd, mode, offset, bytes);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t bytes) {
  if (Fails(Next("fallocate", PathOf(fd)))) return -1;
  static const auto real = Real<int (*)(int, int, off64_t, off64_t)>("fallocate64");
  return real(fd, mode, offset, bytes);
}

int ftruncate(int fd, off_t bytes) {
  if (Fails(Next("ftruncate", PathOf(fd)))) return -1;
  static const auto real = Real<int (*)(int, off_t)>("ftruncate");
  return real(fd, bytes);
}
int ftruncate64(int fd, off64_t bytes) {
  if (Fails(Next("ftruncate", PathOf(fd)))) return -1;
  static const auto real = Real<int (*)(int, off64_t)>("ftruncate64");
  return real(fd, bytes);
}

}  // extern "C"
