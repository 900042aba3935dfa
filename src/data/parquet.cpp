#include "data/parquet.h"

#include "base/plugin.h"
#include "data/parquet/entry.h"

namespace dtbench {

std::unique_ptr<DocumentSource> open_parquet(const std::string& name,
                                             std::unique_ptr<ByteSource> bytes,
                                             const SourceFields& fields) {
  static const auto open = reinterpret_cast<decltype(&dtbench_open_parquet)>(
      plugin_entry(kParquetPlugin, "dtbench_open_parquet", "Parquet cannot be read",
                   "Run ./dtbench in the source tree, which builds it with pyarrow's wheel, or "
                   "give the data as .jsonl."));
  return std::unique_ptr<DocumentSource>(open(name, bytes.release(), fields));
}

}  // namespace dtbench
