// A mean with its interval, by the contract's choice of method: Student's t up to 20 values, the
// BCa bootstrap above. Values without spread have the mean for an interval, however many they are.
#pragma once

#include <optional>
#include <vector>

#include "analysis/bootstrap.h"
#include "analysis/student_t.h"

namespace dtbench {

class MeanEstimate {
 public:
  static constexpr std::size_t kLargestForT = 20;

  explicit MeanEstimate(const std::vector<double>& values);  // may be empty

  std::size_t n() const { return sample_.n; }
  double mean() const { return sample_.mean; }           // n >= 1
  double sd() const { return sample_.sd; }               // NaN below two values
  const char* method() const;                            // "student_t", "bca_bootstrap"
  std::optional<Interval> interval(double level) const;  // none below two values
  double p_above(double bound) const;                    // one-sided; 1 below two values
  double p_below(double bound) const;

 private:
  MeanAndSpread sample_;
  std::optional<BootstrapMean> bootstrap_;
};

}  // namespace dtbench
