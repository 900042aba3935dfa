// What data files hold, for tests/data/test_parquet.py: source_probe SOURCE SETTINGS
// SETTINGS is a JSON object: text, labels, split (fields; "" looks for known ones), with_labels,
// examples, bytes (limits), quiet (documents are only counted). Prints one JSON object.
#include <fstream>
#include <iostream>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/process_memory.h"
#include "data/data_files.h"

namespace dtbench {
namespace {

// By this process so far, of whatever files (proc(5), /proc/pid/io).
std::int64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::int64_t count = 0;
  io >> name >> count;
  return count;
}

Json read(const std::string& path, const Json& settings) {
  const SourceFields fields{settings.value("text", ""), settings.value("labels", ""),
                            settings.value("split", ""), settings.value("with_labels", true),
                            label_form_named(settings.value("label_form", ""))};
  const SourceLimits limits{settings.value("examples", std::int64_t{0}),
                            settings.value("bytes", std::int64_t{0})};
  const auto source = open_data_files(data_files(path, limits), fields, limits);
  const Json label_list = source->label_list();
  Json documents = Json::array();
  std::int64_t count = 0, bytes = 0;
  for (SourceDocument document; source->next(document); ++count) {
    bytes += static_cast<std::int64_t>(document.text.size());
    if (!settings.value("quiet", false))
      documents.push_back({to_string(*document.split), document.text, document.labels});
  }
  return {{"documents", documents},
          {"count", count},
          {"bytes", bytes},
          {"label_list", label_list},
          {"progress", source->progress()},
          {"repaired", source->counts().repaired_lines},
          {"unscored", source->counts().unscored_labels},
          {"peak_bytes", peak_resident_bytes()},
          {"read_bytes", bytes_read()}};
}

}  // namespace
}  // namespace dtbench

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    std::cout << dtbench::read(argv[1], dtbench::Json::parse(argv[2])) << '\n';
  } catch (const dtbench::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return static_cast<int>(error.code());
  }
}
