#include "data/data_files.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
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
  const auto sha256 = [path, known = std::string()]() mutable {
    if (known.empty()) known = sha256_file(path);
    return known;
  };
  return {path.generic_string(), split, sha256,
          [path](const SourceFields& fields) { return open(path, fields); }};
}

std::vector<DataFile> files_below(const fs::path& folder) {
  std::vector<DataFile> files;
  for (const fs::path& path : data_files_below(folder))
    files.push_back(local_file(path, split_of_path(path.lexically_relative(folder))));
  settle_splits(files);
  return files;
}

// A file of another kind, told by its name.
std::string hint_for_kind(const fs::path& source) {
  const std::string name = lower_case(source.filename().string());
  const auto ends = [&](const char* kind) { return name.ends_with(kind); };
  if (ends(".json"))
    return "If it has one JSON object per line, rename it to .jsonl. A list of objects becomes one "
           "with: jq -c '.[]' FILE > data.jsonl.";
  if (ends(".ndjson") || ends(".jsonl") || ends(".parquet") || ends(".jsonl.gz"))
    return "Rename it: names of JSON lines end in .jsonl or .jsonl.gz, in small letters.";
  if (ends(".csv") || ends(".tsv"))
    return "Convert it, for example with pandas: read_csv(FILE).to_parquet('data.parquet').";
  return "Convert it to one of these; decompress it first if it is compressed.";
}

std::vector<DataFile> local_data_files(const fs::path& source) {
  if (source.string().find("://") != std::string::npos)
    throw usage_error(concat("data.source: expected a path or an address on the Hub, got '",
                             source.string(), "'."),
                      "Download the file and give its path; an address on the Hub is "
                      "hf://datasets/OWNER/NAME.");
  const char* const hint =
      "Check the path in data.source (--data); an address on the Hub begins with hf://datasets/.";
  std::error_code no_path;  // too long a name, for one: then there is nothing
  const fs::file_status status = fs::status(source, no_path);
  if (fs::is_directory(status)) {
    std::vector<DataFile> files = files_below(source);
    if (!files.empty()) return files;
    throw no_data_files(source, hint);
  }
  if (!source.has_filename() && fs::is_regular_file(fs::status(source.parent_path(), no_path)))
    throw usage_error(
        concat("data.source: expected a folder at '", source.string(), "', found a file."),
        "Leave out the slash at the end.");
  if (!fs::is_regular_file(status))
    throw not_there(source, "a file or folder", "data.source", hint);
  if (!is_data_file(source))
    throw usage_error(concat("data.source: expected ", kDataFileKinds,
                             " or a folder of them, got '", source.string(), "'."),
                      hint_for_kind(source));
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
