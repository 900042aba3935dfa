#include "engine/optim/fused_update.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <optional>

#include "engine/optim/stored_values.h"

namespace dtbench {
namespace {

// Nine arrays of fp32 fit the first-level cache. A multiple of 8, for the random draws.
constexpr std::int64_t kBlock = 512;
constexpr std::int64_t kGrainBlocks = 64;

template <typename T>
class FusedUpdate {
 public:
  explicit FusedUpdate(const TensorUpdate& update)
      : update_(update),
        factors_(adamw_factors<T>(update.step)),
        weight_(update.value),
        gradient_(update.gradient),
        exp_avg_(update.state.exp_avg),
        exp_avg_sq_(update.state.exp_avg_sq) {
    if (update.rounding == UpdateRounding::kKahan) compensation_.emplace(update.state.compensation);
  }

  UpdateCounts run() const {
    const std::int64_t elements = update_.value.numel();
    return at::parallel_reduce(
        std::int64_t{0}, (elements + kBlock - 1) / kBlock, kGrainBlocks, UpdateCounts{},
        [&](std::int64_t begin, std::int64_t end, UpdateCounts counts) {
          for (std::int64_t first = begin * kBlock; first < std::min(end * kBlock, elements);
               first += kBlock)
            counts += update_block(first, std::min(kBlock, elements - first));
          return counts;
        },
        [](UpdateCounts a, const UpdateCounts& b) { return a += b; });
  }

 private:
  using Values = std::array<T, kBlock>;

  UpdateCounts update_block(std::int64_t first, std::int64_t count) const {
    alignas(64) Values old_weight, gradient, old_exp_avg, old_exp_avg_sq;
    alignas(64) Values weight, exp_avg, exp_avg_sq;
    weight_.load(first, count, old_weight.data());
    gradient_.load(first, count, gradient.data());
    exp_avg_.load(first, count, old_exp_avg.data());
    exp_avg_sq_.load(first, count, old_exp_avg_sq.data());
    if (compensation_) add_compensation(first, count, old_weight);
    const kernels::Block<T> block{
        old_weight.data(), gradient.data(), old_exp_avg.data(), old_exp_avg_sq.data(),
        weight.data(),     exp_avg.data(),  exp_avg_sq.data(),  count};
    kernels::adamw(factors_, block);
    store_weight(first, count, weight);
    exp_avg_sq_.store(first, count, exp_avg_sq.data());
    const UpdateCounts counts{.elements = count,
                              .lost_weight_updates = kernels::lost_weight_updates(block),
                              .lost_v_updates = kernels::lost_v_updates(factors_, block)};
    exp_avg_.store(first, count, exp_avg.data());
    return counts;
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
  AdamWFactors<T> factors_;
  StoredValues<T> weight_, gradient_, exp_avg_, exp_avg_sq_;
  std::optional<StoredValues<T>> compensation_;
};

}  // namespace

UpdateCounts& UpdateCounts::operator+=(const UpdateCounts& other) {
  elements += other.elements;
  lost_weight_updates += other.lost_weight_updates;
  lost_v_updates += other.lost_v_updates;
  zero_point_hits += other.zero_point_hits;
  eight_bit_elements += other.eight_bit_elements;
  return *this;
}

UpdateCounts fused_update(const TensorUpdate& update) {
  if (update.value.scalar_type() == at::kDouble) return FusedUpdate<double>(update).run();
  return FusedUpdate<float>(update).run();
}

}  // namespace dtbench
