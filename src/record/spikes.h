// Spikes of a run's loss or gradient norm: a value more than six standard deviations above the mean
// of the 128 values before it, as OLMo-core counts them.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace dtbench {

class SpikeWatch {
 public:
  static constexpr std::size_t kWindow = 128;
  static constexpr double kDeviations = 6;

  // The next value. Returns by how many deviations it is above the window before it, if that makes
  // it a spike. Values that are not finite are left out.
  std::optional<double> add(double value);

 private:
  std::deque<double> window_;
};

}  // namespace dtbench
