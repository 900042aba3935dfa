#include "engine/optim/fused_update.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <optional>

#include "engine/optim/stored_values.h"
#include "engine/optim/update_ranges.h"

namespace dtbench {
namespace {

bool in_place(const TensorUpdate& update) {
  const at::ScalarType type = update.value.scalar_type();
  return (type == at::kFloat || type == at::kDouble) && update.gradient.scalar_type() == type &&
         update.state.exp_avg.scalar_type() == type;
}

template <typename T>
UpdateCounts update_in_place(const TensorUpdate& update) {
  const AdamWFactors<T> factors = adamw_factors<T>(update.step);
  T* weight = update.value.mutable_data_ptr<T>();
  const T* gradient = update.gradient.const_data_ptr<T>();
  T* exp_avg = update.state.exp_avg.mutable_data_ptr<T>();
  T* exp_avg_sq = update.state.exp_avg_sq.mutable_data_ptr<T>();
  constexpr std::int64_t kCacheLine = 64 / sizeof(T);
  return over_ranges(update.value.numel(), kCacheLine, [&](std::int64_t first, std::int64_t count) {
    const kernels::LostUpdates lost = kernels::adamw_in_place(
        factors, weight + first, gradient + first, exp_avg + first, exp_avg_sq + first, count);
    return UpdateCounts{
        .elements = count, .lost_weight_updates = lost.weights, .lost_v_updates = lost.exp_avg_sqs};
  });
}

// Where something is stored in another datatype than fp32, or rounded otherwise than to nearest:
// through fp32 copies of one block at a time, which stay in the first-level cache.
class UpdateByBlocks {
 public:
  explicit UpdateByBlocks(const TensorUpdate& update)
      : update_(update),
        factors_(adamw_factors<float>(update.step)),
        weight_(update.value),
        gradient_(update.gradient),
        exp_avg_(update.state.exp_avg),
        exp_avg_sq_(update.state.exp_avg_sq) {
    if (update.rounding == UpdateRounding::kKahan) compensation_.emplace(update.state.compensation);
  }

  UpdateCounts run() const {
    return over_blocks(update_.value.numel(), kBlock, [&](std::int64_t first, std::int64_t count) {
      return update_block(first, count);
    });
  }

 private:
  static constexpr std::int64_t kBlock = 256;  // a multiple of 8, for the random draws
  using Values = std::array<float, kBlock>;

  UpdateCounts update_block(std::int64_t first, std::int64_t count) const {
    alignas(64) Values old_weight, gradient, old_exp_avg, old_exp_avg_sq;
    alignas(64) Values weight, exp_avg, exp_avg_sq;
    weight_.load(first, count, old_weight.data());
    gradient_.load(first, count, gradient.data());
    exp_avg_.load(first, count, old_exp_avg.data());
    exp_avg_sq_.load(first, count, old_exp_avg_sq.data());
    if (compensation_) add_compensation(first, count, old_weight);
    const kernels::Block block{
        old_weight.data(), gradient.data(), old_exp_avg.data(), old_exp_avg_sq.data(),
        weight.data(),     exp_avg.data(),  exp_avg_sq.data(),  count};
    kernels::adamw(factors_, block);
    store_weight(first, count, weight);
    exp_avg_sq_.store(first, count, exp_avg_sq.data());
    const kernels::LostUpdates lost = kernels::lost_updates(factors_.gradient, block);
    exp_avg_.store(first, count, exp_avg.data());
    return {
        .elements = count, .lost_weight_updates = lost.weights, .lost_v_updates = lost.exp_avg_sqs};
  }

  // Kahan 1965, as Zamirai et al. 2020 (arXiv 2010.06192) use it: the weight is the sum of two
  // stored numbers, and what the first cannot hold goes to the second.
  void add_compensation(std::int64_t first, std::int64_t count, Values& weight) const {
    Values compensation;
    compensation_->load(first, count, compensation.data());
    for (std::int64_t i = 0; i < count; ++i)
      weight[i] += compensation[i];
  }

  // `weight` becomes what was stored.
  void store_weight(std::int64_t first, std::int64_t count, Values& weight) const {
    if (update_.rounding == UpdateRounding::kStochastic)
      return weight_.store_stochastic(first, count, weight.data(), update_.draw);
    if (!compensation_) return weight_.store(first, count, weight.data());
    Values compensation = weight;
    weight_.store(first, count, weight.data());
    for (std::int64_t i = 0; i < count; ++i)
      compensation[i] -= weight[i];
    compensation_->store(first, count, compensation.data());
    for (std::int64_t i = 0; i < count; ++i)
      weight[i] += compensation[i];
  }

  const TensorUpdate& update_;
  AdamWFactors<float> factors_;
  StoredValues weight_, gradient_, exp_avg_, exp_avg_sq_;
  std::optional<StoredValues> compensation_;
};

}  // namespace

UpdateCounts fused_update(const TensorUpdate& update) {
  if (!in_place(update)) return UpdateByBlocks(update).run();
  return update.value.scalar_type() == at::kDouble ? update_in_place<double>(update)
                                                   : update_in_place<float>(update);
}

}  // namespace dtbench
