// A mean of independent values as a part of a claim.
#pragma once

#include <limits>
#include <utility>
#include <vector>

#include "analysis/claim.h"
#include "analysis/mean_estimate.h"

namespace dtbench {

inline Part mean_part(std::string name, const std::vector<double>& values, Json evidence) {
  const MeanEstimate mean(values);
  Part part;
  part.name = std::move(name);
  part.interval = [mean](double alpha) {
    constexpr double kEndless = std::numeric_limits<double>::infinity();
    return mean.interval(1 - alpha).value_or(Interval{-kEndless, kEndless});
  };
  if (mean.n() > 0) part.estimate = mean.mean();
  if (mean.n() > 1) part.sd = mean.sd();
  part.evidence = std::move(evidence);
  part.evidence["n"] = mean.n();
  part.evidence["method"] = mean.method();
  return part;
}

}  // namespace dtbench
