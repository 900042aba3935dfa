// The rows of a Parquet file in small batches of the chosen columns, row group by row group, within
// bounded memory: what does not fit is an error.
#pragma once

#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/reader.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/byte_source.h"
#include "data/parquet/byte_source_file.h"

namespace dtbench {

class ParquetBatches {
 public:
  // Reads the footer. Throws as open_parquet (data/parquet.h).
  ParquetBatches(std::string name, std::unique_ptr<ByteSource> bytes);

  const arrow::Schema& schema() const { return *schema_; }
  // Top-level columns to read; the first has the bulk of the bytes.
  void choose(const std::vector<std::string>& columns);
  // The next batch, its columns in the file's order; null at the end.
  std::shared_ptr<arrow::RecordBatch> next();
  double progress() const;  // the share of the rows that were in batches so far

 private:
  void open_group();
  void guard(const std::function<void()>& work) const;
  Error too_large() const;
  Error damaged(const std::exception& error) const;

  std::string name_;
  std::shared_ptr<ByteSourceFile> file_;
  std::unique_ptr<arrow::MemoryPool> pool_;  // before what is allocated from it
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<int> leaves_;  // of the chosen columns
  int bulk_ = 0;             // the leaf of the first
  std::shared_ptr<arrow::RecordBatchReader> group_;
  int next_group_ = 0;
  std::int64_t rows_read_ = 0;
};

}  // namespace dtbench
