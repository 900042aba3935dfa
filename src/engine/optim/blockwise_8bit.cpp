#include "engine/optim/blockwise_8bit.h"

#include <ATen/ATen.h>

#include <array>
#include <cmath>

#include "engine/optim/blockwise_kernels.h"
#include "engine/optim/dynamic_map.h"
#include "engine/optim/stored_values.h"
#include "engine/optim/update_ranges.h"

namespace dtbench {
namespace {

struct CodeTable {
  explicit CodeTable(const DynamicMap& values)
      : map(values), search{code_thresholds(values), code_buckets(code_thresholds(values))} {}
  const DynamicMap& map;
  kernels::CodeSearch search;
};

const CodeTable& signed_codes() {
  static const CodeTable table(signed_dynamic_map());
  return table;
}

const CodeTable& unsigned_codes() {
  static const CodeTable table(unsigned_dynamic_map());
  return table;
}

// One moment's codes and scales.
struct Moment {
  Moment(const at::Tensor& code_tensor, const at::Tensor& absmax_tensor, const CodeTable& codes)
      : table(codes),
        code(code_tensor.mutable_data_ptr<std::uint8_t>()),
        absmax(absmax_tensor.mutable_data_ptr<float>()) {}

  void load(std::int64_t first, std::int64_t count, float* to) const {
    kernels::dequantize(code + first, absmax[first / kBlockwiseBlock], table.map.data(), to, count);
  }

  void store(std::int64_t first, std::int64_t count, const float* values) const {
    float& scale = absmax[first / kBlockwiseBlock];
    scale = kernels::largest_magnitude(values, count);
    kernels::quantize(values, scale, table.search, code + first, count);
  }

  const CodeTable& table;
  std::uint8_t* code;
  float* absmax;
};

class BlockwiseUpdate {
 public:
  explicit BlockwiseUpdate(const TensorUpdate& update)
      : elements_(update.value.numel()),
        factors_(blockwise_factors(update.step)),
        weight_(update.value),
        gradient_(update.gradient),
        exp_avg_(update.state.exp_avg, update.state.exp_avg_absmax, signed_codes()),
        exp_avg_sq_(update.state.exp_avg_sq, update.state.exp_avg_sq_absmax, unsigned_codes()) {}

  UpdateCounts run() const {
    return over_blocks(elements_, kBlockwiseBlock, [&](std::int64_t first, std::int64_t count) {
      return update_block(first, count);
    });
  }

 private:
  UpdateCounts update_block(std::int64_t first, std::int64_t count) const {
    using Values = std::array<float, kBlockwiseBlock>;
    alignas(64) Values old_weight, gradient, old_exp_avg, old_exp_avg_sq;
    alignas(64) Values weight, exp_avg, exp_avg_sq;
    weight_.load(first, count, old_weight.data());
    gradient_.load(first, count, gradient.data());
    exp_avg_.load(first, count, old_exp_avg.data());
    exp_avg_sq_.load(first, count, old_exp_avg_sq.data());
    const kernels::Block block{
        old_weight.data(), gradient.data(), old_exp_avg.data(), old_exp_avg_sq.data(),
        weight.data(),     exp_avg.data(),  exp_avg_sq.data(),  count};
    kernels::blockwise_adamw(factors_, block);

    weight_.store(first, count, weight.data());
    exp_avg_.store(first, count, exp_avg.data());
    kernels::keep_signs(exp_avg.data(), exp_avg_.table.map.data(), exp_avg_.code + first, count);
    exp_avg_sq_.store(first, count, exp_avg_sq.data());
    const std::int64_t hits =
        kernels::zero_point_hits(exp_avg_sq_.code + first, exp_avg_sq.data(), count);
    exp_avg_sq_.load(first, count, exp_avg_sq.data());
    const kernels::LostUpdates lost = kernels::lost_updates(factors_.gradient, block);
    return {count, lost.weights, lost.exp_avg_sqs, hits, count};
  }

  std::int64_t elements_;
  BlockwiseFactors factors_;
  StoredValues weight_, gradient_;
  Moment exp_avg_, exp_avg_sq_;
};

}  // namespace

ParameterState initial_blockwise_state(const at::Tensor& value) {
  const std::int64_t blocks = (value.numel() + kBlockwiseBlock - 1) / kBlockwiseBlock;
  ParameterState state;
  constexpr std::uint8_t kSignedZero = 127;
  state.exp_avg = at::full_like(value, kSignedZero, value.options().dtype(at::kByte));
  state.exp_avg_sq = at::zeros_like(state.exp_avg);
  state.exp_avg_absmax = at::zeros({blocks}, value.options().dtype(at::kFloat));
  state.exp_avg_sq_absmax = at::zeros_like(state.exp_avg_absmax);
  return state;
}

BlockwiseFactors blockwise_factors(const AdamWStep& step) {
  const auto t = static_cast<double>(step.updates);
  const double correction1 = 1 - std::pow(step.beta1, t);
  const double correction2_sqrt = std::sqrt(1 - std::pow(step.beta2, t));
  const auto beta1 = static_cast<float>(step.beta1), beta2 = static_cast<float>(step.beta2);
  return {static_cast<float>(step.gradient_factor),
          beta1,
          1 - beta1,
          beta2,
          1 - beta2,
          static_cast<float>(step.learning_rate * correction2_sqrt / correction1),
          static_cast<float>(step.epsilon * correction2_sqrt),
          static_cast<float>(1 - step.learning_rate * step.weight_decay)};
}

UpdateCounts blockwise_update(const TensorUpdate& update) {
  return BlockwiseUpdate(update).run();
}

}  // namespace dtbench
