// The bytes of a file, decompressed if it is gzip.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "base/read_file.h"

namespace dtbench {

// What was expected and what was found, for a message.
class GzipFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Tells gzip by its first bytes, not by the name. Reads all members; zeros may follow them, as
// gzip(1) allows. zlib's own gzread takes anything else that follows for the end, which would hide
// documents: here it is a fault.
class GzipFile {
 public:
  explicit GzipFile(const std::filesystem::path& path);  // throws as ReadableFile
  ~GzipFile();
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  // 0 at the end. Throws GzipFault for a stream that is truncated or damaged, Error for a file that
  // cannot be read.
  std::size_t read(char* to, std::size_t most);
  std::uint64_t size() const { return file_.size(); }  // of the file, compressed or not
  double progress() const;  // the share of the file's (compressed) bytes consumed

 private:
  void inflate_some();
  void start_member();
  bool refill();

  ReadableFile file_;
  bool compressed_ = false;
  std::vector<unsigned char> input_;
  z_stream stream_{};
  std::int64_t members_ = 0;  // complete ones
  bool within_ = false;       // a member
  std::uint64_t taken_ = 0;   // bytes of the file
};

}  // namespace dtbench
