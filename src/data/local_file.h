// A local file as a ByteSource.
#pragma once

#include <filesystem>
#include <string>

#include "base/read_file.h"
#include "data/byte_source.h"

namespace dtbench {

class LocalFile : public ByteSource {
 public:
  // Throws Error when the file cannot be opened.
  explicit LocalFile(const std::filesystem::path& path);

  std::int64_t size() const override { return static_cast<std::int64_t>(file_.size()); }
  std::string read(std::int64_t offset, std::int64_t length) override;

 private:
  std::string path_;
  ReadableFile file_;
};

}  // namespace dtbench
