#include "data/data_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

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

}  // namespace dtbench
