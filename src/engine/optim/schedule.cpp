#include "engine/optim/schedule.h"

namespace dtbench {

double learning_rate(double rate, std::int64_t warmup_steps, std::int64_t step) {
  if (step >= warmup_steps) return rate;
  return rate * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
}

}  // namespace dtbench
