#include "config/optimizer_kind.h"

namespace dtbench {

template <>
Registry<OptimizerKind>& registry<OptimizerKind>() {
  static Registry<OptimizerKind> optimizers = [] {
    Registry<OptimizerKind> built_in("optimizer");
    // Loshchilov and Hutter 2017, arXiv 1711.05101; its settings' defaults are the spec's.
    built_in.add({"adamw", "AdamW", {"exp_avg", "exp_avg_sq"}, {}});
    return built_in;
  }();
  return optimizers;
}

const OptimizerKind& register_optimizer(OptimizerKind optimizer) {
  if (optimizer.name.empty())
    throw usage_error("An optimizer without a name cannot be registered.",
                      "config/optimizer_kind.h says what an entry needs.");
  return registry<OptimizerKind>().add(std::move(optimizer));
}

Registered<OptimizerKind> adamw() {
  static const OptimizerKind& optimizer = *registry<OptimizerKind>().find("adamw");
  return optimizer;
}

}  // namespace dtbench
