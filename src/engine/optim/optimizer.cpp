#include "engine/optim/optimizer.h"

#include <ATen/ATen.h>

#include <map>

#include "base/error.h"
#include "base/text.h"
#include "engine/optim/adamw.h"

namespace dtbench {
namespace {

std::unique_ptr<Optimizer> make_adamw(ParameterSet& parameters, const DtypePolicy& policy,
                                      const TrainSpec& train, std::int64_t seed) {
  return std::make_unique<AdamW>(parameters, adamw_options(policy, train, seed));
}

std::map<std::string, MakeOptimizer, std::less<>>& makers() {
  static std::map<std::string, MakeOptimizer, std::less<>> all{{"adamw", make_adamw}};
  return all;
}

}  // namespace

std::int64_t Optimizer::state_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : named_states())
    bytes += static_cast<std::int64_t>(tensor.nbytes());
  return bytes;
}

void register_optimizer_engine(const std::string& name, MakeOptimizer make) {
  makers()[name] = make;
}

std::unique_ptr<Optimizer> make_optimizer(ParameterSet& parameters, const DtypePolicy& policy,
                                          const TrainSpec& train, std::int64_t seed) {
  const auto found = makers().find(to_string(train.optimizer));
  if (found != makers().end()) return found->second(parameters, policy, train, seed);
  throw Error(ExitCode::kPermanent,
              concat("This engine does not have the optimizer '", to_string(train.optimizer), "'."),
              "load the extension that brings it (--extension), built with its engine's half");
}

}  // namespace dtbench
