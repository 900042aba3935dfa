#include "analysis/hypothesis.h"

#include <algorithm>

namespace dtbench {

std::vector<std::string> scenarios_of(const Hypothesis& hypothesis) {
  std::vector<std::string> all;
  for (const ScenarioPair& pair : hypothesis.contrast.pair)
    for (const std::string& scenario : {pair.better, pair.worse})
      if (std::find(all.begin(), all.end(), scenario) == all.end()) all.push_back(scenario);
  return all;
}

std::size_t family_size(const std::vector<Hypothesis>& all, const Hypothesis& one) {
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const Hypothesis& h) { return h.family == one.family; }));
}

}  // namespace dtbench
