// A confidence interval; its nominal coverage ("level", 0.95 say) is the caller's to know.
#pragma once

namespace dtbench {

struct Interval {
  double low;
  double high;
};

}  // namespace dtbench
