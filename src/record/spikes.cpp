#include "record/spikes.h"

#include <cmath>

namespace dtbench {

std::optional<double> SpikeWatch::add(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  std::optional<double> spike;
  if (window_.size() == kWindow) {
    double sum = 0, squares = 0;
    for (const double x : window_)
      sum += x;
    const double mean = sum / kWindow;
    for (const double x : window_)
      squares += (x - mean) * (x - mean);
    const double deviation = std::sqrt(squares / kWindow);
    if (value - mean > kDeviations * deviation && deviation > 0) spike = (value - mean) / deviation;
    window_.pop_front();
  }
  window_.push_back(value);
  return spike;
}

}  // namespace dtbench
