#include "data/parquet/byte_source_file.h"

#include <arrow/buffer.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/error.h"

namespace dtbench {

void ByteSourceFile::rethrow_error() const {
  if (error_) std::rethrow_exception(error_);
}

arrow::Status ByteSourceFile::Seek(std::int64_t position) {
  position_ = position;
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ByteSourceFile::ReadAt(std::int64_t offset,
                                                                     std::int64_t length) {
  if (offset < 0 || length < 0 || offset > bytes_->size())
    return arrow::Status::IOError("a range outside the file");
  try {
    return arrow::Buffer::FromString(
        bytes_->read(offset, std::min(length, bytes_->size() - offset)));
  } catch (const Error& error) {
    error_ = std::current_exception();
    return arrow::Status::IOError(error.what());
  }
}

arrow::Result<std::int64_t> ByteSourceFile::ReadAt(std::int64_t offset, std::int64_t length,
                                                   void* out) {
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<arrow::Buffer> buffer, ReadAt(offset, length));
  std::memcpy(out, buffer->data(), static_cast<std::size_t>(buffer->size()));
  return buffer->size();
}

arrow::Result<std::int64_t> ByteSourceFile::Read(std::int64_t length, void* out) {
  ARROW_ASSIGN_OR_RAISE(const std::int64_t count, ReadAt(position_, length, out));
  position_ += count;
  return count;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ByteSourceFile::Read(std::int64_t length) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer, ReadAt(position_, length));
  position_ += buffer->size();
  return buffer;
}

}  // namespace dtbench
