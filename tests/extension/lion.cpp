// A second optimizer: Lion (Chen et al. 2023, arXiv 2302.06675, algorithm 2), with one state.
//   c = beta1 m + (1 - beta1) g;  w = w (1 - rate x decay) - rate sign(c);  m = beta2 m + (1 -
//   beta2) g
// Everything is computed in fp32 (fp64 for fp64) from the stored values, and each stored value is
// rounded once. Made of torch's elementwise operations, so it runs on every device.
#include "config/extension.h"
#include "config/optimizer_kind.h"
#include "config/run_spec.h"

#ifdef DTBENCH_EXTENSION_ENGINE
#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "engine/numerics/scalar_type.h"
#include "engine/optim/blockwise_8bit.h"
#include "engine/optim/dynamic_map.h"
#include "engine/optim/optimizer.h"
#endif

namespace {

void check(const dtbench::RunSpec& spec) {
  const dtbench::DtypePolicy& policy = spec.policy;
  if (policy.update_rounding != dtbench::UpdateRounding::kNearest ||
      policy.optimizer_arithmetic != dtbench::OptimizerArithmetic::kFused)
    throw dtbench::usage_error(
        dtbench::concat("Lion computes in fp32 and rounds to nearest, but the policy '",
                        policy.name, "' asks for ", to_string(policy.optimizer_arithmetic),
                        " arithmetic and ", to_string(policy.update_rounding), " rounding."),
        "Choose another policy: dtbench policies lists them.");
}

}  // namespace

#ifdef DTBENCH_EXTENSION_ENGINE

namespace {

using namespace dtbench;

at::ScalarType state_type(StateFormat format) {
  switch (format) {
    case StateFormat::kFloat64:
      return at::kDouble;
    case StateFormat::kBFloat16:
      return at::kBFloat16;
    case StateFormat::kFloat16:
      return at::kHalf;
    case StateFormat::kFloat32:
    case StateFormat::kBlockwise8Bit:
      break;  // tensors too small for 8 bits
  }
  return at::kFloat;
}

// Block-wise 8-bit numbers (Dettmers et al. 2021, arXiv 2110.02861): one code an element, one fp32
// scale a block of 256, by the signed dynamic map.
class SignedCodes {
 public:
  explicit SignedCodes(const c10::Device& device)
      : map_(on(device, signed_dynamic_map())),
        thresholds_(on(device, code_thresholds(signed_dynamic_map())).narrow(0, 0, 255)) {}

  // code [n] uint8, absmax [blocks] fp32 -> [n] fp32
  at::Tensor decoded(const at::Tensor& code, const at::Tensor& absmax) const {
    return map_.index_select(0, code.to(at::kInt)) * of_elements(absmax, code.numel());
  }

  void encode(const at::Tensor& values, const at::Tensor& code, const at::Tensor& absmax) const {
    const std::int64_t padding = absmax.numel() * kBlockwiseBlock - values.numel();
    absmax.copy_(
        at::constant_pad_nd(values.abs(), {0, padding}).view({-1, kBlockwiseBlock}).amax(1));
    const at::Tensor scale = absmax.masked_fill(absmax.eq(0), 1);
    const at::Tensor nearest =
        at::bucketize(values / of_elements(scale, values.numel()), thresholds_);
    // Of the negative ones, those nearest to zero get the code below: a state keeps its sign.
    const at::Tensor lost_sign = map_.index_select(0, nearest).signbit().ne(values.signbit());
    code.copy_(nearest + lost_sign * at::where(values > 0, 1, -1));
  }

 private:
  static at::Tensor on(const c10::Device& device, const std::array<float, 256>& values) {
    return at::tensor(at::ArrayRef<float>(values.data(), values.size()), at::kFloat).to(device);
  }
  static at::Tensor of_elements(const at::Tensor& blocks, std::int64_t count) {
    return blocks.repeat_interleave(kBlockwiseBlock).narrow(0, 0, count);
  }

  at::Tensor map_, thresholds_;
};

struct LionState {
  at::Tensor exp_avg;         // of the parameter's shape; uint8 codes where 8-bit
  at::Tensor exp_avg_absmax;  // 8-bit: fp32, one a block; else undefined
};

LionState initial_state(const Parameter& parameter, const DtypePolicy& policy) {
  const bool embedding = parameter.kind == ParameterKind::kEmbedding;
  const StateFormat format = embedding ? policy.embedding_states : policy.optimizer_states;
  if (format == StateFormat::kBlockwise8Bit && parameter.value.numel() >= kSmallest8BitTensor) {
    const ParameterState state = initial_blockwise_state(parameter.value);
    return {state.exp_avg, state.exp_avg_absmax};
  }
  return {at::zeros_like(parameter.value, parameter.value.options().dtype(state_type(format))), {}};
}

class Lion : public Optimizer {
 public:
  Lion(ParameterSet& parameters, const DtypePolicy& policy, const TrainSpec& train)
      : parameters_(parameters),
        beta1_(train.beta1),
        beta2_(train.beta2),
        weight_decay_(train.weight_decay),
        codes_(parameters.all().front().value.device()) {
    for (const Parameter& parameter : parameters.all())
      states_.push_back(initial_state(parameter, policy));
  }

  // The rate and whether there is an update are asked for: on a GPU a step waits for them.
  Reach step(DeviceScalars& scalars) override {
    const StepScalars& now = scalars.read();
    const std::vector<at::Tensor> gradients = parameters_.gradients();
    at::Tensor lost = scalars.tensor(&StepScalars::lost_weight_updates);
    Reach reach;
    for (const Parameter& parameter : parameters_.all()) {
      const double decay = parameter.kind == ParameterKind::kVector ? 0 : weight_decay_;
      if (now.update != 0)
        update(parameter, gradients[parameter.index],
               {now.learning_rate, now.gradient_factor, decay}, lost);
      reach.elements += parameter.value.numel();
      if (states_[parameter.index].exp_avg_absmax.defined())
        reach.eight_bit_elements += parameter.value.numel();
    }
    return reach;
  }

  std::vector<std::pair<std::string, at::Tensor>> named_states() const override {
    std::vector<std::pair<std::string, at::Tensor>> result;
    for (const Parameter& parameter : parameters_.all()) {
      const LionState& state = states_[parameter.index];
      result.emplace_back("exp_avg." + parameter.name, state.exp_avg);
      if (state.exp_avg_absmax.defined())
        result.emplace_back("exp_avg_absmax." + parameter.name, state.exp_avg_absmax);
    }
    return result;
  }

 private:
  struct Step {
    double rate, gradient_factor, weight_decay;
  };

  // Piece by piece, so that copies in fp32 are small beside the model. Whole blocks of 8-bit
  // states.
  void update(const Parameter& parameter, const at::Tensor& gradient, const Step& step,
              at::Tensor& lost) {
    constexpr std::int64_t kPiece = 256 * kBlockwiseBlock;
    const LionState& state = states_[parameter.index];
    const at::Tensor weights = parameter.value.view({-1}), gradients = gradient.reshape({-1});
    const at::Tensor moments = state.exp_avg.view({-1});
    for (std::int64_t first = 0; first < weights.numel(); first += kPiece) {
      const std::int64_t count = std::min(kPiece, weights.numel() - first);
      LionState piece{moments.narrow(0, first, count), {}};
      if (state.exp_avg_absmax.defined())
        piece.exp_avg_absmax = state.exp_avg_absmax.narrow(
            0, first / kBlockwiseBlock, (count + kBlockwiseBlock - 1) / kBlockwiseBlock);
      update(weights.narrow(0, first, count), gradients.narrow(0, first, count), piece, step, lost);
    }
  }

  void update(const at::Tensor& weight, const at::Tensor& gradient, const LionState& state,
              const Step& step, at::Tensor& lost) const {
    const at::ScalarType inside = accumulation_type(weight.scalar_type());
    const at::Tensor old = weight.to(inside, /*non_blocking=*/false, /*copy=*/true);
    const at::Tensor g = gradient.to(inside) * step.gradient_factor;
    const bool coded = state.exp_avg_absmax.defined();
    const at::Tensor m =
        coded ? codes_.decoded(state.exp_avg, state.exp_avg_absmax) : state.exp_avg.to(inside);
    const at::Tensor direction = m * beta1_ + g * (1 - beta1_);
    // torch's sign of NaN is 0, which would hide it.
    const at::Tensor sign = at::where(direction.isnan(), direction, direction.sign());
    weight.copy_(old * (1 - step.rate * step.weight_decay) - sign * step.rate);
    lost.add_(weight.to(inside).eq(old).logical_and(sign.ne(0)).sum());
    const at::Tensor moved = m * beta2_ + g * (1 - beta2_);
    if (coded)
      codes_.encode(moved, state.exp_avg, state.exp_avg_absmax);
    else
      state.exp_avg.copy_(moved);
  }

  ParameterSet& parameters_;
  double beta1_, beta2_, weight_decay_;
  SignedCodes codes_;
  std::vector<LionState> states_;
};

std::unique_ptr<Optimizer> make_lion(ParameterSet& parameters, const DtypePolicy& policy,
                                     const TrainSpec& train, std::int64_t /*seed*/) {
  return std::make_unique<Lion>(parameters, policy, train);
}

}  // namespace

#endif  // DTBENCH_EXTENSION_ENGINE

DTBENCH_EXTENSION {
  dtbench::register_optimizer({"lion", "Lion", {"exp_avg"}, {{"train.beta2", 0.99}}, check});
#ifdef DTBENCH_EXTENSION_ENGINE
  dtbench::register_optimizer_engine("lion", make_lion);
#endif
}
