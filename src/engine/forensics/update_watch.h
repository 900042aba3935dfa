// What the optimizer's update did to the weights, held against what exact AdamW can do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/optim/adamw_bound.h"
#include "engine/train/trainer.h"

namespace dtbench {

// The longest step of one update, and the numbers that made it.
struct LongestStep {
  double rates = 0;  // |change of the weight| / learning rate, decay and the weight's rounding off
  std::string parameter;
  std::int64_t layer = -1;
  std::int64_t element = -1;  // of the flattened parameter
  double weight_before = 0, weight_after = 0, gradient = 0;
  // As stored before and after the update; 8-bit: the codes.
  double exp_avg_before = 0, exp_avg = 0;
  double exp_avg_sq_before = 0, exp_avg_sq = 0;
  std::string states;        // their format: "fp16", "8-bit"
  std::int64_t updates = 0;  // this one included
};

struct UpdateSignals {
  LongestStep longest;
  // Of all elements: stored second moment 0 though the stored first moment is not.
  double flushed_share = 0;
};

// Around one update: made before it, asked after it.
class UpdateWatch {
 public:
  explicit UpdateWatch(const Trainer& trainer);
  UpdateSignals compare(const Trainer& trainer, const Trainer::Gradients& gradients) const;

 private:
  std::vector<at::Tensor> weights_;
  std::vector<at::Tensor> exp_avgs_, exp_avg_sqs_;  // undefined where the optimizer has none
};

}  // namespace dtbench
