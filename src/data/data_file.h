// A file of documents: what it is told by, and the split that its name tells.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/document_source.h"
#include "data/source_fields.h"

namespace dtbench {

struct DataFile {
  std::string name;                     // its path or address
  std::optional<SourceSplit> split;     // that its name tells
  std::function<std::string()> sha256;  // of its content
  std::function<std::unique_ptr<DocumentSource>(const SourceFields&)> open;
};

// What data files are told by, for those that look for them.
inline constexpr const char* kDataFileKinds = "a .parquet, .jsonl or .jsonl.gz file";
bool is_parquet(const std::filesystem::path& path);
bool is_data_file(const std::filesystem::path& path);

// The split that the words of a path name (split_named), as Hugging Face `datasets` looks for them:
// "eurlex_train.jsonl", "test-00000-of-00001.parquet", "eurlex/partial-train/0000.parquet" (the
// Hub's name for a part of a split); "testset" and "traindata", too. Words end at whatever is no
// letter. Throws Error (usage) for a path that names two.
std::optional<SourceSplit> split_of_path(const std::filesystem::path& path);

// What data_files (data/data_files.h) does with the splits that names tell; throws as it does.
void settle_splits(std::vector<DataFile>& files);

}  // namespace dtbench
