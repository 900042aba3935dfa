// Append-only files of one JSON value a line.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/json.h"

namespace dtbench {

// The writer. Opening it drops a last line without its end, which a killed writer leaves.
class LineFile {
 public:
  explicit LineFile(const std::filesystem::path& path);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // One write(2). Throws Error and leaves the file as it was when the line does not fit.
  void append(const Json& line);
  std::uint64_t durable_size() const;  // after fsync
  void truncate(std::uint64_t size);   // throws Error when the file is shorter

 private:
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace dtbench
