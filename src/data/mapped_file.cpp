#include "data/mapped_file.h"

#include <sys/mman.h>

#include <utility>

#include "base/error.h"
#include "base/read_file.h"

namespace dtbench {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const ReadableFile file(path);
  if (file.size() == 0) return;
  void* mapped = mmap(nullptr, file.size(), PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (mapped == MAP_FAILED) throw system_error("Cannot map", path.string());
  data_ = mapped;
  size_ = file.size();
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

}  // namespace dtbench
