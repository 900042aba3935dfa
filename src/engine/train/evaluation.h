// Validation: the policy's forward pass without dropout, then fp32 loss (fp64 for fp64) by the
// contract's rule, accumulated in fp64.
#pragma once

#include <optional>

#include "base/json.h"
#include "engine/model/model.h"
#include "engine/train/batches.h"
#include "engine/train/scores.h"

namespace dtbench {

struct Evaluation {
  double loss = 0;  // divided as the training loss is; nats
  // Of the first examples alone, those of a validation point (config/validation_points.h); no part
  // of a checkpoint.
  std::optional<double> point_loss = {};
  // Classification: F1 (train/metrics.h); single label also accuracy, multi label also average
  // precision.
  std::optional<double> accuracy = {}, f1_micro = {}, f1_macro = {}, average_precision_micro = {};
};

// Of the validation examples the first so many.
struct EvaluatedExamples {
  std::int64_t all;
  std::int64_t point;  // `all`, or fewer: then a multiple of `batch`
  std::int64_t batch;  // in batches of so many
};

// `scores`: the task's, or null.
Evaluation evaluate(const Model& model, const ComputeRules& rules, const BatchSource& source,
                    const EvaluatedExamples& examples, Scores* scores, const c10::Device& device);

// Scores only where there are any.
Json to_json(const Evaluation& evaluation);
Evaluation evaluation_from_json(const Json& json);

}  // namespace dtbench
