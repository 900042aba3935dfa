// A local file as a ByteSource.
#pragma once

#include <filesystem>
#include <string>

#include "data/byte_source.h"

namespace dtbench {

class LocalFile : public ByteSource {
 public:
  // Throws Error when the file cannot be opened.
  explicit LocalFile(const std::filesystem::path& path);
  ~LocalFile() override;
  LocalFile(const LocalFile&) = delete;
  LocalFile& operator=(const LocalFile&) = delete;

  std::int64_t size() const override { return size_; }
  std::string read(std::int64_t offset, std::int64_t length) override;

 private:
  std::string path_;
  int descriptor_;
  std::int64_t size_ = 0;
};

}  // namespace dtbench
