// Files of documents: one, or all of a folder; here, or on the Hub.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/data_file.h"
#include "data/document_source.h"
#include "data/joined_source.h"
#include "data/source_fields.h"

namespace dtbench {

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

std::unique_ptr<DocumentSource> open_data_files(const std::vector<DataFile>& files,
                                                const SourceFields& fields, SourceLimits limits);

// A line for each split: the names of its files, the first of many.
std::string describe_splits(const std::vector<DataFile>& files);

}  // namespace dtbench
