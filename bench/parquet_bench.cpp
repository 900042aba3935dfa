// Reads a Parquet file's documents and does nothing with them; bench/parquet.py drives it.
//   parquet_bench FILE
// Prints one JSON line: documents, bytes of text, `wall` and `cpu` seconds from opening the file to
// its end, and the peak of resident memory in bytes. Loading Arrow is not in the seconds.
#include <iostream>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/process_memory.h"
#include "cpu_time.h"
#include "data/local_file.h"
#include "data/parquet.h"

namespace dtbench {
namespace {

Json measure(const std::string& path) {
  const auto open = [&] { return open_parquet(path, std::make_unique<LocalFile>(path), {}); };
  open();  // loads the plug-in
  const double cpu_start = cpu_seconds(), wall_start = steady_seconds();
  const auto source = open();
  std::size_t documents = 0, bytes = 0;
  for (SourceDocument document; source->next(document); ++documents)
    bytes += document.text.size();
  const double cpu = cpu_seconds() - cpu_start, wall = steady_seconds() - wall_start;
  return {{"documents", documents},
          {"bytes", bytes},
          {"wall", wall},
          {"cpu", cpu},
          {"peak_bytes", peak_resident_bytes()}};
}

}  // namespace
}  // namespace dtbench

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    std::cout << dtbench::measure(argv[1]) << '\n';
  } catch (const dtbench::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return static_cast<int>(error.code());
  }
}
