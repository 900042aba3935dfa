// A scenario in words.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

// "GPT-2, causal language model", from the architecture and the objective of a spec.
inline std::string scenario_title(const Json& architecture, const Json& objective) {
  const std::string model = architecture == "gpt2" ? "GPT-2" : "RoBERTa";
  if (objective == "clm") return model + ", causal language model";
  if (objective == "mlm") return model + ", masked language model";
  if (objective == "multi_cls") return model + ", multi-label classification";
  return model + ", single-label classification";
}

}  // namespace dtbench
