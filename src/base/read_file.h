// Files to read. What cannot be read is never taken for empty.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.h"

namespace dtbench {

inline constexpr std::uint64_t kLongestFile = std::uint64_t{1} << 30;

// The content; nothing where there is no such file. Throws Error: retryable (3) when it is there
// and cannot be read; usage (2) for what is no regular file (a pipe would be waited for without
// end) or has more than `most` bytes.
std::optional<std::string> read_file(const std::filesystem::path& path,
                                     std::uint64_t most = kLongestFile);

// A regular file, open for reading. Never waits for the other end of a pipe. Throws Error:
// not_there where there is none, retryable (3) when it cannot be opened, usage (2) for what is no
// regular file.
class ReadableFile {
 public:
  explicit ReadableFile(const std::filesystem::path& path);
  ~ReadableFile();
  ReadableFile(const ReadableFile&) = delete;
  ReadableFile& operator=(const ReadableFile&) = delete;

  int descriptor() const { return descriptor_; }
  std::uint64_t size() const { return size_; }  // when it was opened
  // read(2), and pread(2): 0 at the end. Throw Error (retryable).
  std::size_t read(void* to, std::size_t most) const;
  std::size_t read_at(std::uint64_t offset, void* to, std::size_t most) const;
  int release();  // the descriptor, for somebody else to close

 private:
  friend std::optional<std::string> read_file(const std::filesystem::path&, std::uint64_t);
  ReadableFile(const std::filesystem::path& path, int descriptor);

  std::filesystem::path path_;
  int descriptor_;
  std::uint64_t size_ = 0;
};

// A file or folder that cannot be read. Usage (2) if it is not there, or a file is in the place of
// a folder: another path is needed. Else retryable (3), since another try may succeed (the
// permission is given, the disk comes back).
Error unreadable(const std::filesystem::path& path, const std::error_code& reason);

// The same, directly after a failed call: it reads errno.
Error unreadable(const std::filesystem::path& path);

// Usage (2): `expected` ("a file", "a file or folder") is not at a path that a user named. Says
// what is there instead and the nearest name in that folder, else `hint`. `setting`: what named the
// path ("data.vocab"), if known.
Error not_there(const std::filesystem::path& path, const std::string& expected,
                const std::string& setting = "", const std::string& hint = "Check the path.");

// Throws not_there unless a regular file is at `path`.
void require_file(const std::filesystem::path& path, const std::string& setting = "");

// Git LFS leaves a pointer of some 130 bytes in place of a file that was not fetched
// (github.com/git-lfs/git-lfs, docs/spec.md). Whether a file that begins so is one.
bool is_lfs_pointer(std::string_view beginning);
void require_no_lfs_pointer(std::string_view beginning, const std::string& name);  // Error (usage)
void require_no_lfs_pointer(const std::filesystem::path& path);  // a file that is there

}  // namespace dtbench
