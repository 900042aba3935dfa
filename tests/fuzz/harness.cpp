#include "fuzz/harness.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "base/atomic_file.h"
#include "base/error.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("dtbench_fuzz_" + std::to_string(getpid()))) {}
  ~Scratch() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Made once: fuzzers ask a million times.
  fs::path folder(const std::string& name) {
    const fs::path folder = path_ / name;
    if (made_.insert(name).second) fs::create_directories(folder);
    return folder;
  }

 private:
  fs::path path_;
  std::set<std::string> made_;
};

}  // namespace

std::optional<std::string> fault_of(void (*read)(std::string_view), std::string_view bytes) {
  try {
    read(bytes);
    return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  } catch (const std::exception& escaped) {
    return escaped.what();
  }
}

std::vector<std::string_view> parts_of(std::string_view bytes, std::size_t count) {
  constexpr std::string_view kBetween = "\n%%\n";
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < count) {
    const std::size_t end = std::min(bytes.find(kBetween), bytes.size());
    parts.push_back(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + kBetween.size(), bytes.size()));
  }
  parts.push_back(bytes);
  return parts;
}

fs::path scratch_folder(const std::string& harness) {
  static Scratch scratch;
  return scratch.folder(harness);
}

fs::path scratch_file(const std::string& harness, const std::string& name, std::string_view bytes) {
  // Mutations change one of a store's ten files; writing the others anew would be most of the work.
  static std::map<fs::path, std::string> written;
  const fs::path path = scratch_folder(harness) / name;
  if (const auto last = written.find(path); last != written.end() && last->second == bytes)
    return path;
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) throw std::runtime_error("cannot write " + path.string());
  write_all(descriptor, bytes.data(), bytes.size(), path);
  close(descriptor);
  written[path] = bytes;
  return path;
}

void require(bool property, const char* what) {
  if (!property) throw std::logic_error(what);
}

}  // namespace dtbench
