// A ByteSource as Arrow's random-access file.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "data/byte_source.h"

namespace dtbench {

class ByteSourceFile : public arrow::io::RandomAccessFile {
 public:
  explicit ByteSourceFile(std::unique_ptr<ByteSource> bytes) : bytes_(std::move(bytes)) {}

  // Arrow passes a failure on as a Status, in which an Error's exit code and hint would be lost:
  // throws the Error, if it was one.
  void rethrow_error() const;

  std::int64_t size() const { return bytes_->size(); }
  std::string content() { return bytes_->read(0, size()); }

  arrow::Result<std::int64_t> GetSize() override { return bytes_->size(); }
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Status Seek(std::int64_t position) override;
  arrow::Result<std::int64_t> Read(std::int64_t length, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t length) override;
  arrow::Result<std::int64_t> ReadAt(std::int64_t offset, std::int64_t length, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t offset,
                                                       std::int64_t length) override;
  arrow::Status Close() override { return arrow::Status::OK(); }
  bool closed() const override { return false; }

 private:
  std::unique_ptr<ByteSource> bytes_;
  std::int64_t position_ = 0;
  std::exception_ptr error_;
};

}  // namespace dtbench
