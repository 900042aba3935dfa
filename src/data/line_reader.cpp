#include "data/line_reader.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "base/error.h"
#include "base/read_file.h"
#include "base/text.h"

namespace dtbench {

LineReader::LineReader(const std::filesystem::path& path, std::size_t longest)
    : path_(path), longest_(longest), file_size_(0), file_(nullptr), buffer_(std::size_t{1} << 18) {
  ReadableFile file(path);
  file_size_ = file.size();
  file_ = gzdopen(file.descriptor(), "rb");
  if (file_ == nullptr) throw std::bad_alloc();
  file.release();
  gzbuffer(file_, 1u << 17);
}

LineReader::~LineReader() {
  gzclose_r(file_);
}

bool LineReader::fill() {
  errno = 0;
  const int read = gzread(file_, buffer_.data(), static_cast<unsigned>(buffer_.size()));
  int status = Z_OK;
  const char* message = gzerror(file_, &status);
  // At the end of a file that was cut short gzread returns what there was, with Z_BUF_ERROR set.
  if (status == Z_BUF_ERROR && read <= 0)
    throw usage_error(
        concat("'", path_.string(), "' line ", line_number_ + 1,
               ": expected the end of the gzip stream, found the end of the file: it ",
               "is truncated."),
        "Copy or download the file again.");
  if (read < 0 && status == Z_ERRNO) throw system_error("Cannot read", path_.string());
  if (read < 0)
    throw usage_error(concat("'", path_.string(), "' line ", line_number_ + 1,
                             ": expected gzip data, found damage (", message, ")."),
                      "Copy or download the file again.");
  begin_ = 0;
  end_ = static_cast<std::size_t>(read);
  return read > 0;
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

double LineReader::progress() const {
  if (file_size_ == 0) return 1;
  return std::min(1.0, static_cast<double>(gzoffset(file_)) / static_cast<double>(file_size_));
}

}  // namespace dtbench
