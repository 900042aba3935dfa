#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/writer.h>

#include "base/error.h"
#include "base/text.h"
#include "report/parquet/entry.h"

namespace dtbench {
namespace {

void check(const arrow::Status& status) {
  if (!status.ok())
    throw Error(ExitCode::kPermanent,
                concat("Parquet cannot be written: ", status.ToString(), "."));
}

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> array_of(const std::vector<Json>& values, Value value) {
  Builder builder;
  for (const Json& each : values)
    check(each.is_null() ? builder.AppendNull() : builder.Append(value(each)));
  std::shared_ptr<arrow::Array> array;
  check(builder.Finish(&array));
  return array;
}

std::shared_ptr<arrow::Array> array_of(const TableColumn& column) {
  switch (column.type) {
    case ColumnType::kText:
      return array_of<arrow::StringBuilder>(
          column.values, [](const Json& value) { return value.get<std::string>(); });
    case ColumnType::kWhole:
      return array_of<arrow::Int64Builder>(
          column.values, [](const Json& value) { return value.get<std::int64_t>(); });
    case ColumnType::kReal:
      return array_of<arrow::DoubleBuilder>(
          column.values, [](const Json& value) { return number_from_json(value, "value"); });
    case ColumnType::kFlag:
      break;
  }
  return array_of<arrow::BooleanBuilder>(column.values,
                                         [](const Json& value) { return value.get<bool>(); });
}

}  // namespace
}  // namespace dtbench

void dtbench_write_parquet(const dtbench::Table& table, std::string& bytes) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const dtbench::TableColumn& column : table) {
    arrays.push_back(dtbench::array_of(column));
    fields.push_back(arrow::field(column.name, arrays.back()->type()));
  }
  auto sink = arrow::io::BufferOutputStream::Create();
  dtbench::check(sink.status());
  dtbench::check(parquet::arrow::WriteTable(*arrow::Table::Make(arrow::schema(fields), arrays),
                                            arrow::default_memory_pool(), *sink));
  auto buffer = (*sink)->Finish();
  dtbench::check(buffer.status());
  bytes = (*buffer)->ToString();
}
