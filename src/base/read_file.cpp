#include "base/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.h"

namespace dtbench {
namespace {

constexpr std::string_view kLfsPointer = "version https://git-lfs.github.com/spec/";

// The name in a path's folder that is most like its own, with the folder; "" if none is.
std::string nearest_path(const std::filesystem::path& path) {
  constexpr std::size_t kMostNames = 1000, kLongestName = 255;
  const std::filesystem::path folder = path.parent_path();
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder.empty() ? "." : folder, error), end;
       !error && entry != end && names.size() < kMostNames; entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  const std::string wanted = path.filename().string();
  const std::string name = wanted.size() <= kLongestName ? nearest(wanted, names) : "";
  return name.empty() ? "" : (folder / name).string();
}

std::string kind_of(const std::filesystem::path& path) {
  std::error_code no_path;  // too long a name, for one: then there is nothing
  const std::filesystem::file_status status = std::filesystem::status(path, no_path);
  if (!std::filesystem::exists(status)) return "none";
  if (std::filesystem::is_directory(status)) return "a folder";
  return std::filesystem::is_regular_file(status) ? "a file" : "something else";
}

int open_to_read(const std::filesystem::path& path) {
  return open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

// As a read(2) that is not interrupted.
template <typename Call>
std::size_t completed(const std::filesystem::path& path, Call call) {
  ssize_t got = 0;
  do {
    got = call();
  } while (got < 0 && errno == EINTR);
  if (got < 0) throw unreadable(path);
  return static_cast<std::size_t>(got);
}

// Up to `most` bytes more than `text` holds; fewer at the end of the file only.
void append(const ReadableFile& file, std::size_t most, std::string& text) {
  std::array<char, 1 << 16> buffer;
  while (most > 0) {
    const std::size_t got = file.read(buffer.data(), std::min(most, buffer.size()));
    if (got == 0) return;
    text.append(buffer.data(), got);
    most -= got;
  }
}

}  // namespace

Error unreadable(const std::filesystem::path& path, const std::error_code& reason) {
  if (reason == std::errc::no_such_file_or_directory || reason == std::errc::is_a_directory)
    return not_there(path, "a file");
  if (reason == std::errc::not_a_directory) return not_there(path, "a folder");
  return Error(
      ExitCode::kRetryable, concat("Cannot read '", path.string(), "': ", reason.message(), "."),
      reason == std::errc::permission_denied ? "Give permission to read it, then try again." : "");
}

Error unreadable(const std::filesystem::path& path) {
  return unreadable(path, {errno, std::system_category()});
}

Error not_there(const std::filesystem::path& path, const std::string& expected,
                const std::string& setting, const std::string& hint) {
  const std::string found = kind_of(path);
  const std::string near = found == "none" ? nearest_path(path) : "";
  return usage_error(concat(setting.empty() ? "Expected " : setting + ": expected ", expected,
                            " at '", path.string(), "', found ", found, "."),
                     near.empty() ? hint : concat("Did you mean '", near, "'? ", hint));
}

void require_file(const std::filesystem::path& path, const std::string& setting) {
  std::error_code no_path;
  if (std::filesystem::is_regular_file(path, no_path)) return;
  throw not_there(path, "a file", setting,
                  setting.empty() ? "Check the path." : concat("Check the path in ", setting, "."));
}

ReadableFile::ReadableFile(const std::filesystem::path& path)
    : ReadableFile(path, open_to_read(path)) {}

// Directly after the call that gave `descriptor`: it reads errno.
ReadableFile::ReadableFile(const std::filesystem::path& path, int descriptor)
    : path_(path), descriptor_(descriptor) {
  struct stat status{};
  if (descriptor_ < 0) throw unreadable(path_);
  if (fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    return;
  }
  close(descriptor_);
  throw usage_error(concat("'", path_.string(), "': expected a regular file, found ",
                           S_ISDIR(status.st_mode) ? "a folder." : "something else."),
                    "Check the path.");
}

ReadableFile::~ReadableFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::size_t ReadableFile::read(void* to, std::size_t most) const {
  return completed(path_, [&] { return ::read(descriptor_, to, most); });
}

std::size_t ReadableFile::read_at(std::uint64_t offset, void* to, std::size_t most) const {
  return completed(path_, [&] { return pread(descriptor_, to, most, static_cast<off_t>(offset)); });
}

int ReadableFile::release() {
  return std::exchange(descriptor_, -1);
}

std::optional<std::string> read_file(const std::filesystem::path& path, std::uint64_t most) {
  const int descriptor = open_to_read(path);
  if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  const ReadableFile file(path, descriptor);
  std::string text;
  text.reserve(std::min(most, file.size()));
  append(file, most + 1, text);
  if (text.size() > most)
    throw usage_error(
        concat("'", path.string(), "': expected at most ", human_bytes(most), ", found more."),
        "Is it the right file?");
  return text;
}

bool is_lfs_pointer(std::string_view beginning) {
  return beginning.starts_with(kLfsPointer);
}

void require_no_lfs_pointer(std::string_view beginning, const std::string& name) {
  if (is_lfs_pointer(beginning))
    throw usage_error(concat("'", name, "' is a Git LFS pointer, not the file: its repository was ",
                             "cloned without its large files."),
                      "Run 'git lfs pull' in the repository, or download the file itself.");
}

void require_no_lfs_pointer(const std::filesystem::path& path) {
  std::string beginning;
  append(ReadableFile(path), kLfsPointer.size(), beginning);
  require_no_lfs_pointer(beginning, path.string());
}

}  // namespace dtbench
