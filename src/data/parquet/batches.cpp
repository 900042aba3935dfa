#include "data/parquet/batches.h"

#include <arrow/result.h>
#include <arrow/util/config.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include <algorithm>
#include <utility>

#include "base/read_file.h"
#include "base/text.h"
#include "data/document_source.h"

namespace dtbench {
namespace {

constexpr std::int64_t kRangeBytes = 1 << 20;  // of a column, asked for at once
constexpr std::int64_t kBatchBytes = 8 << 20;  // decoded, on average
constexpr std::int64_t kBatchRows = 256;       // bounds what a dictionary can unfold to
// A page or a batch has the size that the file says, of a few bytes on disk perhaps.
constexpr std::int64_t kMostMemory = std::int64_t{128} << 20;
constexpr std::int64_t kShortFile = 1024;  // where a pointer may stand for it

void require(const arrow::Status& status) {
  if (!status.ok()) throw parquet::ParquetStatusException(status);
}

template <typename T>
T require(arrow::Result<T> result) {
  require(result.status());
  return std::move(result).ValueUnsafe();
}

}  // namespace

ParquetBatches::ParquetBatches(std::string name, std::unique_ptr<ByteSource> bytes)
    : name_(std::move(name)),
      file_(std::make_shared<ByteSourceFile>(std::move(bytes))),
      pool_(std::make_unique<arrow::CappedMemoryPool>(arrow::default_memory_pool(), kMostMemory)) {
  if (file_->size() < kShortFile) require_no_lfs_pointer(file_->content(), name_);
  guard([&] {
    // Without these, whole column chunks are held: a row group may be a whole file.
    parquet::ReaderProperties properties(pool_.get());
    properties.enable_buffered_stream();
    properties.set_buffer_size(kRangeBytes);
    parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
    arrow_properties.set_pre_buffer(false);
    parquet::arrow::FileReaderBuilder builder;
    require(builder.Open(file_, properties));
    builder.memory_pool(pool_.get());
    reader_ = require(builder.properties(arrow_properties)->Build());
    require(reader_->GetSchema(&schema_));
  });
}

void ParquetBatches::choose(const std::vector<std::string>& columns) {
  const parquet::SchemaDescriptor& leaves = *reader_->parquet_reader()->metadata()->schema();
  for (int i = 0; i < leaves.num_columns(); ++i) {
    const std::string column = leaves.Column(i)->path()->ToDotVector().front();
    if (std::find(columns.begin(), columns.end(), column) == columns.end()) continue;
    if (column == columns.front()) bulk_ = i;
    leaves_.push_back(i);
  }
}

// The next row group, with as many rows a batch as its average row allows.
void ParquetBatches::open_group() {
  const auto group = reader_->parquet_reader()->metadata()->RowGroup(next_group_);
  const std::int64_t rows = std::max<std::int64_t>(1, group->num_rows());
  const std::int64_t average = group->ColumnChunk(bulk_)->total_uncompressed_size() / rows + 1;
  reader_->set_batch_size(std::clamp<std::int64_t>(kBatchBytes / average, 1, kBatchRows));
  group_ = require(reader_->GetRecordBatchReader({next_group_++}, leaves_));
}

std::shared_ptr<arrow::RecordBatch> ParquetBatches::next() {
  std::shared_ptr<arrow::RecordBatch> batch;
  guard([&] {
    while (!batch && (group_ || next_group_ < reader_->num_row_groups())) {
      if (!group_) open_group();
      require(group_->ReadNext(&batch));
      if (!batch) group_.reset();
    }
  });
  if (batch) rows_read_ += batch->num_rows();
  return batch;
}

double ParquetBatches::progress() const {
  const std::int64_t rows = reader_->parquet_reader()->metadata()->num_rows();
  return rows == 0 ? 1 : static_cast<double>(rows_read_) / static_cast<double>(rows);
}

void ParquetBatches::guard(const std::function<void()>& work) const {
  try {
    work();
  } catch (const parquet::ParquetStatusException& error) {
    file_->rethrow_error();
    if (error.status().IsOutOfMemory()) throw too_large();
    throw damaged(error);
  } catch (const parquet::ParquetException& error) {
    file_->rethrow_error();
    throw damaged(error);
  }
}

Error ParquetBatches::too_large() const {
  return usage_error(concat("'", name_, "' row ", rows_read_ + 1, " or one of the ", kBatchRows,
                            " that follow: expected values and pages that can be read in ",
                            human_bytes(kMostMemory), " of memory, found larger ones."),
                     concat("Split the documents (of at most ", human_bytes(kLongestDocument),
                            " each), or write the file with pages of 1 MiB."));
}

Error ParquetBatches::damaged(const std::exception& error) const {
  return usage_error(concat("'", name_, "': expected a complete Parquet file that Arrow ",
                            ARROW_VERSION_STRING, " reads, found: ", error.what()),
                     "Copy or download the file again.");
}

}  // namespace dtbench
