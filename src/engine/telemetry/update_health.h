// The update that a parameter's stored moments make, and what became of it: how many second moments
// have underflowed, how long the update is, and how much of it the stored weight took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/telemetry/number_summary.h"
#include "engine/train/trainer.h"

namespace dtbench {

// The weights as they are when it is made, on the host and in none of torch's allocators.
class WeightCopy {
 public:
  explicit WeightCopy(const ParameterSet& parameters);
  // A view [numel] in the parameter's datatype.
  at::Tensor of(const Parameter& parameter) const;

 private:
  mutable std::vector<std::vector<std::byte>> bytes_;  // by parameter; views are not const
};

// The step s = m^ / (sqrt(v^) + epsilon), m^ and v^ the stored moments with bias correction, and
// the update u = -rate (s + decay w), in fp32.
struct UpdateHealth {
  std::string parameter;
  std::int64_t layer = -1;
  std::int64_t elements = 0;
  std::int64_t underflowed = 0;  // second moments that are 0 though the first is not
  double longest = 0;            // max |s|, in learning rates
  double size = 0;               // root mean square of s
  double to_weight = 0;          // ||rate s|| / ||w||
  // log sqrt(mean(g^2 / max(v^, epsilon^2))), 0 where v^ is the gradients' mean square (Wortsman et
  // al. 2023, arXiv 2304.13013); nothing without stored gradients.
  std::optional<double> log_rms = {};
  // Of the update a that the stored weight took: its numbers, the share of elements with u != 0 and
  // a = 0, and effective descent quality <u, a> / ||u||^2, which is 1 where a = u (Yu et al. 2024,
  // arXiv 2405.03637, divided by ||u||). Nothing where there was no update, or the weights before
  // are not known.
  std::optional<NumberSummary> applied = {};
  std::optional<double> lost = {}, descent_quality = {};
};

// In the order of the parameters, after the step's update. Parameters without floating moments of
// AdamW (8-bit states) are left out. None before the first update.
std::vector<UpdateHealth> update_health(const Trainer& trainer, const Trainer::Gradients& gradients,
                                        const WeightCopy* before, bool with_exponents);

// The members of `updates` in health.jsonl.
Json to_json(const UpdateHealth& update);

}  // namespace dtbench
