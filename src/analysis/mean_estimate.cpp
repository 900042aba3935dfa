#include "analysis/mean_estimate.h"

#include <limits>

namespace dtbench {

MeanEstimate::MeanEstimate(const std::vector<double>& values) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  sample_ = values.empty() ? MeanAndSpread{0, kNone, kNone} : mean_and_spread(values);
  if (values.size() > kLargestForT && sample_.sd > 0) bootstrap_.emplace(values);
}

const char* MeanEstimate::method() const {
  return bootstrap_ ? "bca_bootstrap" : "student_t";
}

std::optional<Interval> MeanEstimate::interval(double level) const {
  if (n() < 2) return std::nullopt;
  return bootstrap_ ? bootstrap_->bca(level) : student_t_interval(sample_, level);
}

double MeanEstimate::p_above(double bound) const {
  if (n() < 2) return 1;
  return bootstrap_ ? bootstrap_->p_above(bound) : student_t_p_above(sample_, bound);
}

double MeanEstimate::p_below(double bound) const {
  if (n() < 2) return 1;
  return bootstrap_ ? bootstrap_->p_below(bound) : student_t_p_below(sample_, bound);
}

}  // namespace dtbench
