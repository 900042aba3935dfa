// A second optimizer, in one file: Lion (Chen et al. 2023, arXiv 2302.06675).
#include "config/extension.h"
#include "config/optimizer_kind.h"

DTBENCH_EXTENSION {
  dtbench::OptimizerKind lion;
  lion.name = "lion";
  lion.title = "Lion";
  lion.states = {"exp_avg"};
  lion.defaults = {{"train.beta2", 0.99}};
  dtbench::register_optimizer(std::move(lion));
}
