// Lines of a text file that may be gzip-compressed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/gzip_file.h"

namespace dtbench {

// Throws Error for a file that cannot be read and (usage) for a gzip stream that is truncated or
// damaged (data/gzip_file.h) and for a line of more than `longest` bytes, however few they were when
// compressed.
class LineReader {
 public:
  LineReader(const std::filesystem::path& path, std::size_t longest);

  bool next(std::string& line);  // without its newline; false at the end
  std::int64_t line_number() const { return line_number_; }  // of the last line, from 1
  double progress() const { return file_.progress(); }

 private:
  bool fill();

  std::filesystem::path path_;
  std::size_t longest_;
  GzipFile file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::int64_t line_number_ = 0;
};

}  // namespace dtbench
