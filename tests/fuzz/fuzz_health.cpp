#include "fuzz/harness.h"
#include "record/health_text.h"
#include "report/health_data.h"

namespace dtbench {

// health.jsonl, for a terminal and for the page.
void fuzz_health(std::string_view bytes) {
  const auto file = scratch_file("health", "health.jsonl", bytes);
  const std::vector<Json> lines = read_health(file.parent_path());
  health_text(lines);
  health_data(lines);
}

}  // namespace dtbench
