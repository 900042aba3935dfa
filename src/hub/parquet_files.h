// The Hub's own Parquet copy of a data set, made for every data set it can read, on the branch
// refs/convert/parquet: {configuration}/{split}/0000.parquet and so on; a data set above 5 GB has
// only its beginning there, under {configuration}/partial-{split}/.
#pragma once

#include <string>
#include <vector>

#include "hub/file_list.h"
#include "hub/repository.h"

namespace dtbench {

struct ParquetFile {
  std::string configuration, split;
  bool partial = false;  // the split's beginning only
  HubFile file;          // in parquet_copy(repository)
};

// The same data set at its Parquet copy's branch.
Repository parquet_copy(Repository dataset);

// Of a listing of the copy's files, those that are parts of a split, in order.
std::vector<ParquetFile> parquet_files(const std::vector<HubFile>& listing);

}  // namespace dtbench
