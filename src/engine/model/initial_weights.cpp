#include "engine/model/initial_weights.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/philox.h"

namespace dtbench {
at::Tensor draw_initial_weight(const std::string& name, at::IntArrayRef shape,
                               const InitialValue& initial, std::uint32_t seed) {
  if (initial.deviation == 0) return at::full(shape, initial.constant, at::kFloat);
  at::Tensor values = at::empty(shape, at::kFloat);
  float* out = values.data_ptr<float>();
  const std::int64_t count = values.numel();
  const std::uint32_t parameter = name_hash(name);
  at::parallel_for(
      0, (count + 3) / 4, /*grain_size=*/1024, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t group = begin; group < end; ++group) {
          const PhiloxWords words =
              philox4x32_10({{static_cast<std::uint32_t>(group),
                              static_cast<std::uint32_t>(group >> 32), parameter, 0}},
                            {seed, stream::kInitialWeights});
          const auto first = normal_pair(words.v[0], words.v[1]);
          const auto second = normal_pair(words.v[2], words.v[3]);
          const double normal[4] = {first[0], first[1], second[0], second[1]};
          const std::int64_t left = std::min<std::int64_t>(4, count - 4 * group);
          for (std::int64_t lane = 0; lane < left; ++lane)
            out[4 * group + lane] = static_cast<float>(initial.deviation * normal[lane]);
        }
      });
  if (initial.zero_row >= 0) values[initial.zero_row].zero_();
  return values;
}

void perturb_by_ulp(ParameterSet& parameters, std::int64_t ulp) {
  if (ulp == 0) return;
  for (const Parameter& parameter : parameters.all()) {
    at::Tensor moved = parameter.value.to(at::kCPU, at::kFloat, /*non_blocking=*/false,
                                                   /*copy=*/true);
    float* data = moved.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < moved.numel(); ++i)
      for (std::int64_t step = 0; step < ulp; ++step)
        data[i] = std::nextafter(data[i], std::numeric_limits<float>::infinity());
    parameter.value.copy_(moved);
  }
}

}  // namespace dtbench
