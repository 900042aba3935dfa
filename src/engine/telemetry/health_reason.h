// Why a run's numbers went wrong, in one line, as far as the optimizer's moments tell: which second
// moments have underflowed since when, and how far beyond the usual and the possible an update is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/run_spec.h"
#include "engine/telemetry/update_health.h"

namespace dtbench {

class HealthReason {
 public:
  explicit HealthReason(const TrainSpec& train);

  // The `updates` of a sampled step, just computed or from the record. A line without them is
  // passed over.
  void remember(const Json& line);

  // "second moment of transformer.wte.weight underflowed in 31 % of elements since step 3; update
  // 412 x its usual size": of the parameter whose moments make the longest step, with the bound of
  // exact AdamW if it is beyond. "" where nothing of this is so.
  std::string words(std::int64_t step, const std::vector<UpdateHealth>& updates) const;

 private:
  struct Past {
    std::deque<double> sizes;                       // of the last sampled updates
    std::optional<std::int64_t> underflowed_since;  // sampled step from which on there are zeros
  };

  double longest_exact_;
  std::map<std::string, Past> past_;  // by parameter
};

}  // namespace dtbench
