// Validation: the policy's forward pass without dropout, then fp32 loss (fp64 for fp64),
// accumulated in fp64.
#pragma once

#include <optional>

#include "base/json.h"
#include "engine/model/model.h"
#include "engine/train/batches.h"
#include "engine/train/metrics.h"

namespace dtbench {

struct Evaluation {
  double loss = 0;  // mean over targets, nats
  std::optional<SingleLabelMetrics> single_label;
};

// The first `examples` validation examples, in batches of `batch`.
Evaluation evaluate(const Model& model, const BatchSource& source, std::int64_t examples,
                    std::int64_t batch, std::int64_t labels, const c10::Device& device);

Json to_json(const Evaluation& evaluation);

}  // namespace dtbench
