#include "data/data_files.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/read_file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "config/hub_address.h"
#include "data/folder_files.h"
#include "data/hub_data_files.h"
#include "data/jsonl_source.h"
#include "data/local_file.h"
#include "data/parquet.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

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
  for (const fs::path& path : data_files_below(folder))
    files.push_back(local_file(path, split_of_path(path.lexically_relative(folder))));
  settle_splits(files);
  return files;
}

std::vector<DataFile> local_data_files(const fs::path& source) {
  const char* const hint =
      "Check the path in data.source (--data); an address on the Hub begins with hf://datasets/.";
  std::error_code no_path;  // too long a name, for one: then there is nothing
  const fs::file_status status = fs::status(source, no_path);
  if (fs::is_directory(status)) {
    std::vector<DataFile> files = files_below(source);
    if (!files.empty()) return files;
    throw no_data_files(source, hint);
  }
  if (!fs::is_regular_file(status))
    throw not_there(source, "a file or folder", "data.source", hint);
  if (!is_data_file(source))
    throw usage_error(concat("data.source: expected ", kDataFileKinds,
                             " or a folder of them, got '", source.string(), "'."),
                      hint);
  return {local_file(source, std::nullopt)};
}

}  // namespace

std::string describe_splits(const std::vector<DataFile>& files) {
  constexpr std::size_t kNamed = 4;
  std::vector<std::string> lines;
  for (const std::optional<SourceSplit> split :
       {std::optional<SourceSplit>(), std::optional(SourceSplit::kTrain),
        std::optional(SourceSplit::kValidation), std::optional(SourceSplit::kTest)}) {
    std::vector<std::string> names;
    for (const DataFile& file : files)
      if (file.split == split) names.push_back(concat("'", file.name, "'"));
    if (names.empty()) continue;
    const std::size_t more = names.size() - std::min(names.size(), kNamed);
    names.resize(names.size() - more);
    lines.push_back(concat(split ? to_string(*split) : "train and validation", ": ",
                           join(names, ", "), more > 0 ? concat(" and ", more, " more") : "",
                           split == SourceSplit::kTest ? " (its documents are not used)" : ""));
  }
  return join(lines, "\n");
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
  auto joined = std::make_unique<JoinedSource>(std::move(parts), limits);
  if (!fields.with_labels) return joined;
  return with_label_form(std::move(joined), fields.label_form);
}

}  // namespace dtbench
