// Files of documents: one, or all of a folder; here, or on the Hub.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/document_source.h"
#include "data/joined_source.h"
#include "data/source_fields.h"

namespace dtbench {

struct DataFile {
  std::string name;                     // its path or address
  std::optional<SourceSplit> split;     // that its name tells
  std::function<std::string()> sha256;  // of its content
  std::function<std::unique_ptr<DocumentSource>(const SourceFields&)> open;
};

// `source` itself, or every data file below it (data/folder_files.h). In a folder a file's name
// tells its split, or the folder's that it is in (split_of_path); where no name says validation,
// "train" says nothing, so that every 20th document is validation.
//
// On the Hub (config/hub_address.h) the folder is the repository's or one in it. With `limits` its
// Parquet files are read by ranges, so that what is not taken is not fetched; without, they are
// downloaded. Opening a file throws as JsonlSource, open_parquet and HubFiles do.
//
// Throws Error (usage) when there is no such file or none in the folder, when some names tell a
// split and others do not, or when a repository's folder holds several data sets; and as HubFiles
// does.
std::vector<DataFile> data_files(const std::string& source, const SourceLimits& limits);

// The split of the first component, from the last, in which a word names one (split_named), as
// Hugging Face `datasets` looks for it: "eurlex_train.jsonl", "test-00000-of-00001.parquet",
// "eurlex/partial-train/0000.parquet" (the Hub's name for a part of a split). Words end at whatever
// is no letter. Throws Error (usage) for a component that names two.
std::optional<SourceSplit> split_of_path(const std::filesystem::path& path);

std::unique_ptr<DocumentSource> open_data_files(const std::vector<DataFile>& files,
                                                const SourceFields& fields, SourceLimits limits);

// What data files are told by, for those that look for them.
inline constexpr const char* kDataFileKinds = "a .parquet, .jsonl or .jsonl.gz file";
bool is_parquet(const std::filesystem::path& path);
bool is_data_file(const std::filesystem::path& path);

// What data_files does with the splits that names tell; throws as it does.
void settle_splits(std::vector<DataFile>& files);

// A line for each split: the names of its files, the first of many.
std::string describe_splits(const std::vector<DataFile>& files);

}  // namespace dtbench
