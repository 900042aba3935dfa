// Records as a report shows them: all of them, also those that the analysis leaves out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "record/run_directory.h"

namespace dtbench {

// A record and where it stands.
struct ReportCell {
  const RunRecord* record;
  // The outcome (trained, stalled, diverged_finite, nonfinite), or why the analysis leaves the
  // record out (damaged, skipped, ...), or "unknown".
  std::string state;
  std::string reason;  // in words; may be empty
  bool counts;         // it ended by itself and can be read
  bool unpaired;       // it counts, and has no fp32_true to be compared with

  Json member(const char* pointer) const;  // of the spec; null where it does not say
  std::string scenario() const;            // "?" where the record does not say, likewise
  std::string policy() const;
  bool completed() const;  // it counts, and came to its last step
};

// In the order of the records. `analysis`: of the same records.
std::vector<ReportCell> report_cells(const std::vector<RunRecord>& records, const Json& analysis);

}  // namespace dtbench
