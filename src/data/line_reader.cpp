#include "data/line_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

// Of a file's bytes at a time. A folder may hold a hundred thousand small files: room for 256 KiB
// each takes longer to make than they take to read.
std::size_t buffer_size(std::uint64_t file_size) {
  constexpr std::uint64_t kLeast = 1 << 12, kMost = 1 << 18;
  return static_cast<std::size_t>(std::clamp(std::bit_ceil(file_size + 1), kLeast, kMost));
}

}  // namespace

LineReader::LineReader(const std::filesystem::path& path, std::size_t longest)
    : path_(path), longest_(longest), file_(path), buffer_(buffer_size(file_.size())) {}

bool LineReader::fill() {
  try {
    begin_ = 0;
    end_ = file_.read(buffer_.data(), buffer_.size());
    return end_ > 0;
  } catch (const GzipFault& fault) {
    throw usage_error(
        concat("'", path_.string(), "' line ", line_number_ + 1, ": ", fault.what(), "."),
        "Copy or download the file again.");
  }
}

bool LineReader::next(std::string& line) {
  line.clear();
  bool any = false;
  while (begin_ < end_ || fill()) {
    any = true;
    const char* start = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(start, '\n', end_ - begin_));
    line.append(start, newline != nullptr ? newline : buffer_.data() + end_);
    if (line.size() > longest_)
      throw usage_error(concat("'", path_.string(), "' line ", line_number_ + 1,
                               ": expected at most ", human_bytes(longest_), ", found more."),
                        "Split the document into several, or leave out fields that are not read.");
    begin_ = newline != nullptr ? static_cast<std::size_t>(newline - buffer_.data()) + 1 : end_;
    if (newline != nullptr) break;
  }
  if (any) ++line_number_;
  return any;
}

}  // namespace dtbench
