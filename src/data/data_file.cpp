#include "data/data_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "base/ascii.h"
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

// "trainset" and "testdata" are "train" and "test".
std::optional<SourceSplit> split_of_word(std::string_view word) {
  for (const std::string_view noun : {"data", "set"}) {
    const std::size_t rest = word.size() - std::min(word.size(), noun.size());
    if (rest > 0 && lower_case(word.substr(rest)) == noun) return split_named(word.substr(0, rest));
  }
  return split_named(word);
}

}  // namespace

std::optional<SourceSplit> split_of_path(const fs::path& path) {
  std::optional<SourceSplit> told;
  for (const std::string& word : words_of(path.generic_string())) {
    const auto split = split_of_word(word);
    if (split && told && split != told)
      throw usage_error(concat("The name '", path.generic_string(), "' tells two splits, ",
                               to_string(*told), " and ", to_string(*split), "."),
                        "Rename it, or give the splits by a field of the documents in one file.");
    if (split) told = split;
  }
  return told;
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
