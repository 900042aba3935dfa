#include "engine/model/module_scope.h"

#include "engine/ops/cast.h"

namespace dtbench {

ModuleScope::ModuleScope(const ForwardContext& outer, std::string_view name)
    : outer_(outer),
      excepted_(is_excepted(name, outer.rules)),
      inner_{outer.tape, excepted_ ? rules_of_exception(outer.rules) : outer.rules, outer.dropout,
             outer.modules},
      in_module_(outer.tape, name) {
  if (outer.modules != nullptr) outer.modules->emplace_back(name);
}

Value ModuleScope::enter(const Value& x) const {
  return excepted_ ? ops::cast(inner_.tape, x, inner_.rules.compute) : x;
}

Value ModuleScope::leave(const Value& y, CastOp last, at::ScalarType given) const {
  return excepted_ ? ops::cast(inner_.tape, y, operand_type(last, given, outer_.rules)) : y;
}

}  // namespace dtbench
