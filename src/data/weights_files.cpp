#include "data/weights_files.h"

#include <set>
#include <system_error>

#include "base/error.h"
#include "base/json.h"
#include "base/read_file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "config/weights_path.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLongestIndex = 64u << 20;
constexpr std::size_t kMostValues = 1u << 20;
constexpr const char* kAgain = "Download the index and all of its shards again.";

// Shard of each tensor.
std::map<std::string, std::string> read_index(const fs::path& index) {
  const auto fail = [&](const std::string& what) -> Error {
    return usage_error(concat("'", index.string(), "': ", what), kAgain);
  };
  const std::optional<std::string> text = read_file(index, kLongestIndex);
  if (!text) throw not_there(index, "a file");
  require_no_lfs_pointer(*text, index.string());
  Json json;
  try {
    json = parse_json(*text, {.depth = 4, .values = kMostValues, .unique_names = true});
  } catch (const Json::parse_error& error) {
    throw fail(concat("not valid JSON: ", json_fault(error), "."));
  }
  const Json map = member_or_null(json, "/weight_map");
  if (!map.is_object() || map.empty())
    throw fail("expected {\"weight_map\": {TENSOR: SHARD}}, an index of weights in several files.");
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : map.items()) {
    if (!shard.is_string()) throw fail(concat("the shard of '", tensor, "' must be text."));
    const auto name = shard.get<std::string>();
    if (name.empty() || fs::path(name).filename() != name || name == "..")
      throw fail(concat("the shard of '", tensor, "' must be the name of a file beside the index, ",
                        "got '", name, "'."));
    shards[tensor] = name;
  }
  return shards;
}

void require_shard(const fs::path& index, const fs::path& shard) {
  std::error_code none;
  if (fs::exists(shard, none)) return;
  throw usage_error(concat("'", index.string(), "' names the shard '", shard.filename().string(),
                           "', which is not beside it."),
                    kAgain);
}

// Each shard once, by name.
std::vector<fs::path> shards_of(const std::map<std::string, std::string>& index,
                                const fs::path& folder) {
  std::set<fs::path> files;
  for (const auto& [tensor, shard] : index)
    files.insert(folder / shard);
  return {files.begin(), files.end()};
}

}  // namespace

std::vector<fs::path> weights_files(const fs::path& path) {
  if (!is_weights_index(path.string())) return {path};
  return shards_of(read_index(path), path.parent_path());
}

std::string weights_fingerprint(const fs::path& path) {
  if (!is_weights_index(path.string())) return sha256_file(path);
  std::string lines;
  for (const fs::path& shard : weights_files(path)) {
    require_shard(path, shard);
    lines += concat(sha256_file(shard), "  ", shard.filename().string(), '\n');
  }
  return sha256_hex(lines);
}

WeightsFiles::WeightsFiles(const fs::path& path) {
  if (!is_weights_index(path.string())) {
    tensors_ = files_.emplace_back(path).tensors();
    return;
  }
  std::map<std::string, std::string> expected = read_index(path);
  for (const fs::path& shard : shards_of(expected, path.parent_path())) {
    require_shard(path, shard);
    const std::string name = shard.filename().string();
    for (const auto& [tensor, view] : files_.emplace_back(shard).tensors()) {
      const auto named = expected.find(tensor);
      if (named == expected.end() || named->second != name)
        throw usage_error(concat("'", shard.string(), "' holds the tensor '", tensor,
                                 "', which its index, '", path.string(), "', does not say."),
                          kAgain);
      tensors_.emplace(tensor, view);
      expected.erase(named);
    }
  }
  if (expected.empty()) return;
  throw usage_error(concat("'", path.string(), "' says that '", expected.begin()->second,
                           "' holds the tensor '", expected.begin()->first, "', which it lacks."),
                    kAgain);
}

}  // namespace dtbench
