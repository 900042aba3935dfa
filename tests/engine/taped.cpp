#include "engine/taped.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "engine/ops/activation.h"
#include "engine/ops/binary_cross_entropy.h"
#include "engine/ops/cast.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/lm_head_loss.h"

namespace dtbench::testing {
namespace {

using Operation = std::function<Value(Tape&, const Values&)>;

// What torch keeps between the two passes.
struct Call : torch::CustomClassHolder {
  std::vector<at::Tensor> inputs;
  Operation operation;

  // Inputs that are there are leaves, numbered among themselves: torch knows no others.
  Value run(Tape& tape) const {
    Values values;
    std::size_t index = 0;
    for (const at::Tensor& input : inputs)
      values.push_back(input.defined() ? tape.leaf(input, index++, "input") : Value());
    return operation(tape, values);
  }
};

class Taped : public torch::autograd::Function<Taped> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, at::TensorList inputs,
                            const c10::intrusive_ptr<Call>& call) {
    context->saved_data["call"] = c10::IValue::make_capsule(call);
    context->saved_data["inputs"] = static_cast<std::int64_t>(inputs.size());
    Tape tape(Tape::Mode::kDifferentiate);
    return call->run(tape).tensor();
  }

  // On a new tape, since torch may ask more than once.
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto capsule = context->saved_data["call"].toCapsule();
    Tape tape(Tape::Mode::kDifferentiate);
    const Value root = static_cast<const Call&>(*capsule).run(tape);
    const auto inputs = static_cast<std::size_t>(context->saved_data["inputs"].toInt());
    std::vector<at::Tensor> found(inputs + 1);
    tape.backward(root, gradients[0], [&](std::size_t index, at::Tensor gradient) {
      found[index] = std::move(gradient);
    });
    return found;
  }
};

}  // namespace

at::Tensor taped(const std::vector<at::Tensor>& inputs, const Operation& operation) {
  auto call = c10::make_intrusive<Call>();
  call->operation = operation;
  std::vector<at::Tensor> given;
  bool wanted = false;
  for (const at::Tensor& input : inputs) {
    call->inputs.push_back(input.defined() ? input.detach() : input);
    if (!input.defined()) continue;
    given.push_back(input);
    wanted = wanted || input.requires_grad();
  }
  if (wanted && c10::GradMode::is_enabled()) return Taped::apply(at::TensorList(given), call);
  Tape tape(Tape::Mode::kForwardOnly);
  return call->run(tape).tensor();
}

namespace ops {

at::Tensor as_operand(CastOp op, const at::Tensor& x, const ComputeRules& rules) {
  return taped(
      {x}, [=](Tape& t, const Values& v) { return dtbench::ops::as_operand(t, op, v[0], rules); });
}

at::Tensor conv1d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const ComputeRules& rules) {
  return taped({x, weight, bias}, [=](Tape& t, const Values& v) {
    return dtbench::ops::conv1d(t, v[0], v[1], v[2], rules);
  });
}

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const ComputeRules& rules) {
  return taped({x, weight, bias}, [=](Tape& t, const Values& v) {
    return dtbench::ops::linear(t, v[0], v[1], v[2], rules);
  });
}

at::Tensor gelu_tanh(const at::Tensor& x, const ComputeRules& rules) {
  return taped({x},
               [=](Tape& t, const Values& v) { return dtbench::ops::gelu_tanh(t, v[0], rules); });
}

at::Tensor gelu_exact(const at::Tensor& x, const ComputeRules& rules) {
  return taped({x},
               [=](Tape& t, const Values& v) { return dtbench::ops::gelu_exact(t, v[0], rules); });
}

at::Tensor tanh(const at::Tensor& x) {
  return taped({x}, [](Tape& t, const Values& v) { return dtbench::ops::tanh(t, v[0]); });
}

at::Tensor embedding(const at::Tensor& weight, const at::Tensor& ids, std::int64_t padding_index) {
  return taped({weight}, [=](Tape& t, const Values& v) {
    return dtbench::ops::embedding(t, v[0], ids, padding_index);
  });
}

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double epsilon, const ComputeRules& rules) {
  return taped({x, weight, bias}, [=](Tape& t, const Values& v) {
    return dtbench::ops::layer_norm(t, v[0], v[1], v[2], epsilon, rules);
  });
}

at::Tensor dropout(const at::Tensor& x, std::uint32_t site, const DropoutContext& context) {
  if (context.probability == 0) return x;
  return taped(
      {x}, [=](Tape& t, const Values& v) { return dtbench::ops::dropout(t, v[0], site, context); });
}

at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& mask) {
  return taped({query, key, value}, [=](Tape& t, const Values& v) {
    return dtbench::ops::attention(t, v[0], v[1], v[2], mask);
  });
}

at::Tensor fused_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const dtbench::ops::KeyMask& mask) {
  return taped({query, key, value}, [=](Tape& t, const Values& v) {
    return dtbench::ops::fused_attention(t, v[0], v[1], v[2], mask);
  });
}

at::Tensor attention_in_blocks(const at::Tensor& query, const at::Tensor& key,
                               const at::Tensor& value, const at::Tensor& mask,
                               std::int64_t block_bytes) {
  return taped({query, key, value}, [=](Tape& t, const Values& v) {
    return dtbench::ops::attention_in_blocks(t, v[0], v[1], v[2], mask, block_bytes);
  });
}

at::Tensor lm_head_loss(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
                        const at::Tensor& targets, const LossNormalizer& normalizer,
                        const ComputeRules& rules) {
  return taped({hidden, weight, bias}, [=](Tape& t, const Values& v) {
    return dtbench::ops::lm_head_loss(t, v[0], v[1], v[2], targets, normalizer, rules);
  });
}

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         const LossNormalizer& normalizer) {
  return taped({logits}, [=](Tape& t, const Values& v) {
    return dtbench::ops::cross_entropy(t, v[0], targets, normalizer);
  });
}

at::Tensor cross_entropy_chain(const at::Tensor& logits, const at::Tensor& targets,
                               const LossNormalizer& normalizer) {
  return taped({logits}, [=](Tape& t, const Values& v) {
    return dtbench::ops::cross_entropy_chain(t, v[0], targets, normalizer);
  });
}

at::Tensor binary_cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                                const LossNormalizer& normalizer) {
  return taped({logits}, [=](Tape& t, const Values& v) {
    return dtbench::ops::binary_cross_entropy(t, v[0], targets, normalizer);
  });
}

at::Tensor binary_cross_entropy_chain(const at::Tensor& logits, const at::Tensor& targets,
                                      const LossNormalizer& normalizer) {
  return taped({logits}, [=](Tape& t, const Values& v) {
    return dtbench::ops::binary_cross_entropy_chain(t, v[0], targets, normalizer);
  });
}

}  // namespace ops
}  // namespace dtbench::testing
