// What one forward pass is given besides its batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "engine/numerics/compute_rules.h"
#include "engine/ops/dropout.h"

namespace dtbench {

// Sees each module's output under the module's name in Transformers ("transformer.h.0.ln_1").
class ModuleObserver {
 public:
  virtual ~ModuleObserver() = default;
  virtual void on_output(const std::string& module, const at::Tensor& output) = 0;
};

struct ForwardContext {
  ComputeRules rules;
  DropoutContext dropout;              // none by default
  ModuleObserver* observer = nullptr;  // not owned
};

}  // namespace dtbench
