#include "data/store_check.h"

#include <algorithm>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/label_form.h"
#include "data/store.h"
#include "data/store_files.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kQuarantined = ".corrupt";

bool is_fingerprint(const std::string& name) {
  return name.size() == 64 && is_hexadecimal(name);
}

std::string checksum_fault(const fs::path& store) {
  const Json meta = read_json_file(meta_file(store));
  const std::string expected = text_or(meta.value("checksum", Json()), "none"),
                    found = meta_checksum(meta);
  if (expected == found) return "";
  return concat("meta.json: its checksum is ", expected, ", that of its content is ", found);
}

std::string content_fault(const fs::path& store) {
  const TokenStore opened(store);  // sizes, offsets, label indices
  if (std::string fault = checksum_fault(store); !fault.empty()) return fault;
  const StoreMeta& meta = opened.meta();
  if (meta.fingerprint != store.filename())
    return concat("meta.json: it belongs to the store ", meta.fingerprint);
  if (!meta.labels_checked && !meta.synthetic && labels_in_doubt(meta.labels))
    return "an earlier version took vectors of 0 and 1, or lists in text, for ids of labels";
  for (const auto& [name, expected] : meta.files) {
    std::error_code no_path;  // too long a name, for one
    if (fs::path(name).filename() != name || !fs::is_regular_file(store / name, no_path))
      return concat("meta.json: it names '", shortened(name, 120),
                    "', which is no file of a store");
    const std::string found = sha256_file(store / name);
    if (found != expected)
      return concat(name, ": its SHA-256 was ", expected, ", now it is ", found);
  }
  return "";
}

}  // namespace

std::vector<StoreFolder> stores_in(const fs::path& cache) {
  std::vector<std::pair<fs::file_time_type, StoreFolder>> found;
  const fs::path folder = cache / "stores";
  if (!fs::is_directory(folder)) return {};
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool quarantined = name.find(kQuarantined) == 64;
    if (entry.is_directory() && is_fingerprint(name.substr(0, 64)) &&
        (name.size() == 64 || quarantined))
      found.push_back({entry.last_write_time(), {entry.path(), quarantined}});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second.path < b.second.path;
  });
  std::vector<StoreFolder> stores;
  for (auto& [time, store] : found)
    stores.push_back(std::move(store));
  return stores;
}

std::optional<std::string> find_fault(const fs::path& store) {
  try {
    const std::string fault = content_fault(store);
    return fault.empty() ? std::nullopt : std::optional(fault);
  } catch (const Error& error) {
    // What cannot be read for now may be whole: it is not to be prepared again, which takes hours.
    if (error.code() == ExitCode::kRetryable) throw;
    return error.what();
  }
}

fs::path quarantine(const fs::path& store) {
  fs::path aside;
  for (int i = 1; aside.empty() || fs::exists(aside); ++i)
    aside = concat(store.string(), kQuarantined, ".", i);
  rename_path(store, aside);
  return aside;
}

}  // namespace dtbench
