// Local files of documents: one file, or all of a folder.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/document_source.h"
#include "data/joined_source.h"
#include "data/source_fields.h"

namespace dtbench {

struct DataFile {
  std::filesystem::path path;
  std::optional<SourceSplit> split;  // that its name tells
};

// `source` itself, or every *.parquet, *.jsonl and *.jsonl.gz below it, sorted by path. In a folder
// a file's name tells its split, or the folder's that it is in (split_of_path); where no name says
// validation, "train" says nothing, so that every 20th document is validation.
// Throws Error (usage) when there is no such file or none in the folder.
std::vector<DataFile> data_files(const std::filesystem::path& source);

// The split of the first component, from the last, that starts with "train", "validation", "valid",
// "val", "dev" or "test", not followed by a letter: "test-00000-of-00001.parquet",
// "eurlex/partial-train/0000.parquet" (the Hub's name for a part of a split).
std::optional<SourceSplit> split_of_path(const std::filesystem::path& path);

// The documents of a file, by its ending. Throws as JsonlSource and open_parquet do.
std::unique_ptr<DocumentSource> open_data_file(const std::filesystem::path& path,
                                               const SourceFields& fields);

std::unique_ptr<DocumentSource> open_data_files(const std::vector<DataFile>& files,
                                                const SourceFields& fields, SourceLimits limits);

}  // namespace dtbench
