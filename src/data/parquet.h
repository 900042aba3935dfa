// Documents from Parquet files. The reader is a plug-in, libdtbench_parquet.so beside the program,
// which links Arrow; it is loaded when the first file is opened, so that everything else starts
// without Arrow and can be built and run where there is none.
#pragma once

#include <memory>
#include <string>

#include "data/byte_source.h"
#include "data/document_source.h"
#include "data/source_fields.h"

namespace dtbench {

inline constexpr const char* kParquetPlugin = "libdtbench_parquet.so";

// A file's documents, row by row, of any size in bounded memory: of each row group only the chosen
// columns are read, in ranges of 1 MiB, and decoded a few rows at a time.
//   text   string (plain, large, view or dictionary); null: ""
//   labels an integer, a string, or a list of either; null, and -1 of a class label: none. Class
//          labels (ClassLabel of the schema's Hugging Face metadata) give their names and the label
//          list, in which only the scored ones are (data/source_fields.h).
//   split  a string (data/source_fields.h)
// `name` stands in messages. Throws Error: what the source throws; (usage) for bytes that are no
// whole Parquet file, a column that is missing (listing those there) or of another type, a value
// that no split or class has; (permanent) when this build has no plug-in.
std::unique_ptr<DocumentSource> open_parquet(const std::string& name,
                                             std::unique_ptr<ByteSource> bytes,
                                             const SourceFields& fields);

}  // namespace dtbench
