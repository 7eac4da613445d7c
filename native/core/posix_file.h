#ifndef LONGSHORE_NATIVE_CORE_POSIX_FILE_H_
#define LONGSHORE_NATIVE_CORE_POSIX_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "native/core/span.h"
#include "native/core/unique_fd.h"

// System calls on files, with interrupted and short ones carried on. A failure throws
// std::system_error whose text says what was tried. Any thread may call them.

namespace longshore {

UniqueFd OpenToRead(const std::string& path);
// Makes it when it is not there; follows no symbolic link.
UniqueFd OpenToReadAndWrite(const std::string& path);
// A new, empty file: what was there under that name is emptied.
UniqueFd CreateFile(const std::string& path);
// A file that was not there before (EEXIST).
UniqueFd CreateNewFile(const std::string& path);

uint64_t FileSize(int fd, const std::string& path);
// Reads until `bytes` are there or the file ends; returns how many came.
size_t ReadAt(int fd, const std::string& path, uint64_t offset, void* to, size_t bytes);
void WriteAt(int fd, const std::string& path, uint64_t offset, const std::vector<Span>& segments);
// The whole of a file of at most `bytes_max` bytes (EFBIG).
std::vector<uint8_t> ReadFile(const std::string& path, size_t bytes_max);

// Takes room for [0, bytes) without changing the size. Does nothing where the file system cannot.
void Preallocate(int fd, const std::string& path, uint64_t bytes);
void Truncate(int fd, const std::string& path, uint64_t bytes);

// To the disk itself: data and what is needed to find it, or everything about the file.
void SyncData(int fd, const std::string& path);
void SyncAll(int fd, const std::string& path);
void SyncFolder(const std::string& folder);

void Rename(const std::string& from, const std::string& to);
// False when it was not there.
bool Remove(const std::string& path);
// False when it was there already. The parent is synced when it is new.
bool MakeFolder(const std::string& folder);
// Names in a folder, without "." and ".."; none when the folder is not there.
std::vector<std::string> ListFolder(const std::string& folder);

std::string ParentOf(const std::string& path);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_POSIX_FILE_H_
