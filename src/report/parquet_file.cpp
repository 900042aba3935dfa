#include "report/parquet_file.h"

#include "base/plugin.h"
#include "report/parquet/entry.h"

namespace dtbench {

std::string parquet_bytes(const Table& table) {
  const auto write = reinterpret_cast<decltype(&dtbench_write_parquet)>(plugin_entry(
      "libdtbench_parquet_writer.so", "dtbench_write_parquet", "Parquet cannot be written",
      "Run ./dtbench in the source tree, which builds it with pyarrow's wheel, or use --format "
      "csv."));
  std::string bytes;
  write(table, bytes);
  return bytes;
}

}  // namespace dtbench
