#include "base/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
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

// Does not wait for the other end of a pipe.
class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path)
      : value_(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

// Up to `most` bytes more than `text` holds; fewer at the end of the file only.
void append(int descriptor, std::size_t most, const std::filesystem::path& path,
            std::string& text) {
  std::array<char, 1 << 16> buffer;
  while (most > 0) {
    const ssize_t got = read(descriptor, buffer.data(), std::min(most, buffer.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw unreadable(path);
    if (got == 0) return;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    most -= static_cast<std::size_t>(got);
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

std::optional<std::string> read_file(const std::filesystem::path& path, std::uint64_t most) {
  const Descriptor file(path);
  if (file.value() < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  struct stat status{};
  if (file.value() < 0 || fstat(file.value(), &status) != 0) throw unreadable(path);
  if (!S_ISREG(status.st_mode))
    throw usage_error(concat("'", path.string(), "': expected a regular file, found ",
                             S_ISDIR(status.st_mode) ? "a folder." : "something else."),
                      "Check the path.");
  std::string text;
  text.reserve(std::min(most, static_cast<std::uint64_t>(status.st_size)));
  append(file.value(), most + 1, path, text);
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
  const Descriptor file(path);
  if (file.value() < 0) throw unreadable(path);
  std::string beginning;
  append(file.value(), kLfsPointer.size(), path, beginning);
  require_no_lfs_pointer(beginning, path.string());
}

}  // namespace dtbench
