#include "base/json.h"
#include "config/run_spec.h"
#include "fuzz/harness.h"

namespace dtbench {

// spec.json.
void fuzz_spec(std::string_view bytes) {
  const Json recorded = read_json_file(scratch_file("spec", "spec.json", bytes));
  const RunSpec spec = run_spec_from_json(recorded, "spec.json");
  require(cell_id(run_spec_from_json(to_json(spec), "itself")) == cell_id(spec),
          "a spec keeps its identity");
}

}  // namespace dtbench
