// Initial weights by name: drawn in fp32 on the CPU from the counter-based generator, so that they
// are the same for every policy, device and thread count, and a new head does not move the others'.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "engine/model/parameters.h"

namespace dtbench {

// fp32, on the CPU. Element i of the parameter called `name` takes normal value i % 4 of
// philox(counter = {i / 4 low, i / 4 high, FNV-1a(name), 0}, key = {seed, kInitialWeights}), by Box
// and Muller in double, times the deviation, rounded once to fp32.
at::Tensor draw_initial_weight(const std::string& name, at::IntArrayRef shape,
                               const InitialValue& initial, std::uint32_t seed);

// Moves every weight `ulp` fp32 numbers upwards, wherever it came from: the perturbation that
// measures the noise floor. 0 leaves them alone.
void perturb_by_ulp(ParameterSet& parameters, std::int64_t ulp);

}  // namespace dtbench
