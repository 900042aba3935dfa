#include "data/data_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "config/hub_address.h"
#include "data/hub_data_files.h"
#include "data/jsonl_source.h"
#include "data/local_file.h"
#include "data/parquet.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

std::optional<SourceSplit> split_of_name(std::string_view name) {
  constexpr std::string_view kPart = "partial-";
  if (name.starts_with(kPart)) name.remove_prefix(kPart.size());
  constexpr std::array kSplits = {std::pair{"train", SourceSplit::kTrain},
                                  std::pair{"validation", SourceSplit::kValidation},
                                  std::pair{"valid", SourceSplit::kValidation},
                                  std::pair{"val", SourceSplit::kValidation},
                                  std::pair{"dev", SourceSplit::kValidation},
                                  std::pair{"test", SourceSplit::kTest}};
  for (const auto& [word, split] : kSplits) {
    if (!name.starts_with(word)) continue;
    const std::string_view rest = name.substr(std::string_view(word).size());
    if (rest.empty() || !std::isalpha(static_cast<unsigned char>(rest.front()))) return split;
  }
  return std::nullopt;
}

std::unique_ptr<DocumentSource> open(const fs::path& path, const SourceFields& fields) {
  if (is_parquet(path))
    return open_parquet(path.string(), std::make_unique<LocalFile>(path), fields);
  return std::make_unique<JsonlSource>(path, fields);
}

DataFile local_file(const fs::path& path, std::optional<SourceSplit> split) {
  return {path.generic_string(), split, [path] { return sha256_file(path); },
          [path](const SourceFields& fields) { return open(path, fields); }};
}

std::vector<DataFile> files_below(const fs::path& folder) {
  std::vector<DataFile> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && is_data_file(entry.path()))
      files.push_back(
          local_file(entry.path(), split_of_path(entry.path().lexically_relative(folder))));
  std::sort(files.begin(), files.end(),
            [](const DataFile& a, const DataFile& b) { return a.name < b.name; });
  forget_train_without_validation(files);
  return files;
}

std::vector<DataFile> local_data_files(const fs::path& source) {
  const char* const hint =
      "Check the path in data.source (--data); an address on the Hub begins with hf://datasets/.";
  if (fs::is_directory(source)) {
    std::vector<DataFile> files = files_below(source);
    if (!files.empty()) return files;
    throw usage_error(concat("data.source: expected ", kDataFileKinds, " in the folder '",
                             source.string(), "', found none."),
                      hint);
  }
  if (!fs::is_regular_file(source))
    throw usage_error(concat("data.source: expected a file or folder at '", source.string(),
                             "', found ", fs::exists(source) ? "something else." : "none."),
                      hint);
  if (!is_data_file(source))
    throw usage_error(concat("data.source: expected ", kDataFileKinds,
                             " or a folder of them, got '", source.string(), "'."),
                      hint);
  return {local_file(source, std::nullopt)};
}

}  // namespace

std::optional<SourceSplit> split_of_path(const fs::path& path) {
  const std::vector<fs::path> components(path.begin(), path.end());
  for (auto name = components.rbegin(); name != components.rend(); ++name)
    if (const auto split = split_of_name(name->string())) return split;
  return std::nullopt;
}

bool is_parquet(const fs::path& path) {
  return path.extension() == ".parquet";
}

bool is_data_file(const fs::path& path) {
  const std::string name = path.filename().string();
  return is_parquet(path) || name.ends_with(".jsonl") || name.ends_with(".jsonl.gz");
}

void forget_train_without_validation(std::vector<DataFile>& files) {
  const bool any_validation = std::any_of(files.begin(), files.end(), [](const DataFile& file) {
    return file.split == SourceSplit::kValidation;
  });
  for (DataFile& file : files)
    if (file.split == SourceSplit::kTrain && !any_validation) file.split.reset();
}

std::vector<DataFile> data_files(const std::string& source, const SourceLimits& limits) {
  return is_hub_address(source) ? hub_data_files(parse_hub_address(source, "data.source"), limits)
                                : local_data_files(source);
}

std::unique_ptr<DocumentSource> open_data_files(const std::vector<DataFile>& files,
                                                const SourceFields& fields, SourceLimits limits) {
  std::vector<SourcePart> parts;
  for (const DataFile& file : files)
    parts.push_back({file.split, [open = file.open, fields] { return open(fields); }});
  return std::make_unique<JoinedSource>(std::move(parts), limits);
}

}  // namespace dtbench
