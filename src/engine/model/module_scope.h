// A module's part of a forward pass: its name on the tape, and the rules that it computes by. Where
// the policy makes an exception of it, it computes in fp32, with all modules inside it: its inputs
// and parameters are cast up, which is exact, and its output is rounded once, to the datatype that
// it would have without the exception. Backward, the same edges cast gradients: up where one comes
// in at the output, and rounded once where one leaves by an input or a parameter.
#pragma once

#include <string_view>

#include "engine/model/forward_context.h"

namespace dtbench {

class ModuleScope {
 public:
  // `name` must outlive the tape.
  ModuleScope(const ForwardContext& outer, std::string_view name);

  // For what the module computes.
  const ForwardContext& context() const { return inner_; }

  // An input of the module.
  Value enter(const Value& x) const;

  // Its output `y`, which without an exception `last` would have made of operands of type `given`.
  // Logits do not pass through here: their edge is the loss, which is in fp32 anyway.
  Value leave(const Value& y, CastOp last, at::ScalarType given) const;

 private:
  const ForwardContext& outer_;
  bool excepted_;
  ForwardContext inner_;
  Tape::InModule in_module_;
};

}  // namespace dtbench
