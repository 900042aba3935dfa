#include "hub/parquet_files.h"

namespace dtbench {

Repository parquet_copy(Repository dataset) {
  dataset.revision = "refs/convert/parquet";
  return dataset;
}

std::vector<ParquetFile> parquet_files(const std::vector<HubFile>& listing) {
  constexpr std::string_view kPartial = "partial-";
  std::vector<ParquetFile> files;
  for (const HubFile& file : listing) {
    const std::size_t first = file.path.find('/');
    const std::size_t second = file.path.find('/', first + 1);
    if (first == std::string::npos || second == std::string::npos ||
        file.path.find('/', second + 1) != std::string::npos || !file.path.ends_with(".parquet"))
      continue;
    std::string split = file.path.substr(first + 1, second - first - 1);
    const bool partial = split.starts_with(kPartial);
    if (partial) split.erase(0, kPartial.size());
    files.push_back({file.path.substr(0, first), split, partial, file});
  }
  return files;
}

}  // namespace dtbench
