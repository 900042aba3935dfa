// The data files below a folder of this machine.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace dtbench {

// Every *.parquet, *.jsonl and *.jsonl.gz, sorted by path. Folders that links lead to are read as
// well, each real folder once. Hidden ones (a dot or two underscores in front) are left out, as
// Hugging Face `datasets` does, and named in a line, and so are files of other kinds that hold data
// elsewhere (.ndjson, .csv, .JSONL). Throws Error for what cannot be read and (usage) for a data
// file that is none, a link that leads nowhere, a pipe; and for parts of a data set that are
// missing (train-00000-of-00002.parquet alone).
std::vector<std::filesystem::path> data_files_below(const std::filesystem::path& folder);

// For a folder without any: what is there instead, and what to do with it.
Error no_data_files(const std::filesystem::path& folder, const std::string& hint);

}  // namespace dtbench
