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
#include "data/folder_files.h"
#include "data/hub_data_files.h"
#include "data/jsonl_source.h"
#include "data/local_file.h"
#include "data/parquet.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

// The words of a name, between whatever is no letter: "eurlex_train-00000" has "eurlex" and
// "train".
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    if (std::isalpha(static_cast<unsigned char>(c)))
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  return words;
}

std::optional<SourceSplit> split_of_name(const std::string& name) {
  std::optional<SourceSplit> told;
  for (const std::string& word : words_of(name)) {
    const auto split = split_named(word);
    if (split && told && split != told)
      throw usage_error(concat("The name '", name, "' tells two splits, ", to_string(*told),
                               " and ", to_string(*split), "."),
                        "Rename it, or give the splits by a field of the documents in one file.");
    if (split) told = split;
  }
  return told;
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
    throw usage_error(concat("data.source: expected a file or folder at '", source.string(),
                             "', found ", fs::exists(status) ? "something else." : "none."),
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

void settle_splits(std::vector<DataFile>& files) {
  std::array<const DataFile*, 4> first{};  // of each split, and last without one
  for (const DataFile& file : files) {
    const std::size_t slot = file.split ? static_cast<std::size_t>(*file.split) : 3;
    if (first.at(slot) == nullptr) first.at(slot) = &file;
  }
  const auto told = std::find_if(first.begin(), first.begin() + 3,
                                 [](const DataFile* file) { return file != nullptr; });
  if (first[3] != nullptr && told != first.begin() + 3)
    throw usage_error(
        concat("data.source: expected the names of all files to tell their split or of none; '",
               (*told)->name, "' is ", to_string(*(*told)->split), ", and '", first[3]->name,
               "' says nothing."),
        "Rename the files (train, validation, test), or move those away that do not belong.");
  if (first[static_cast<std::size_t>(SourceSplit::kValidation)] != nullptr) return;
  for (DataFile& file : files)
    if (file.split == SourceSplit::kTrain) file.split.reset();
}

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
