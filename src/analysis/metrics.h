// The measured numbers that are compared in pairs.
#pragma once

#include <array>

#include "analysis/paired_metric.h"

namespace dtbench {

struct Metric {
  const char* name;
  const char* pointer;  // into result.json
  Effect effect;
};

inline constexpr std::array kMetrics = {
    Metric{"val_loss", "/convergence/val_loss", Effect::kDifference},
    Metric{"average_precision_micro", "/convergence/average_precision_micro", Effect::kDifference},
    Metric{"f1_micro", "/convergence/f1_micro", Effect::kDifference},
    Metric{"f1_macro", "/convergence/f1_macro", Effect::kDifference},
    Metric{"accuracy", "/convergence/accuracy", Effect::kDifference},
    Metric{"samples_per_s", "/throughput/samples_per_s", Effect::kLogRatio},
    Metric{"mfu_vs_spec", "/mfu/vs_spec", Effect::kLogRatio},
    Metric{"mfu_vs_measured", "/mfu/vs_measured", Effect::kLogRatio},
    Metric{"peak_allocated_bytes", "/memory/peak_allocated_bytes", Effect::kLogRatio}};

}  // namespace dtbench
