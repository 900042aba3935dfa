#include "engine/train/global_batch.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/numerics/ignored_target.h"

namespace dtbench {
namespace {

// They stand where the last target does, so what is computed for them is computed anyway.
void add_ignored_targets(MicroBatch& part, std::int64_t count) {
  if (count == 0) return;
  const std::int64_t real = part.targets.numel();
  const at::Tensor place = real > 0 ? part.target_index.narrow(0, real - 1, 1)
                                    : at::zeros({1}, part.target_index.options());
  part.target_index = at::cat({part.target_index, place.expand({count})});
  part.targets = at::cat({part.targets, at::full({count}, kIgnoredTarget, part.targets.options())});
}

}  // namespace

MicroBatch slice(const GlobalBatch& batch, std::int64_t first, std::int64_t count,
                 const c10::Device& device) {
  const MicroBatch& whole = batch.content;
  const auto copy = [&](const at::Tensor& tensor, std::int64_t begin, std::int64_t rows) {
    return tensor.narrow(0, begin, rows).to(device, /*non_blocking=*/tensor.is_pinned());
  };
  MicroBatch part;
  part.input_ids = copy(whole.input_ids, first, count);
  if (whole.attention_mask.defined())
    part.attention_mask = copy(whole.attention_mask, first, count);
  if (!whole.target_index.defined()) {
    part.targets = copy(whole.targets, first, count);
    return part;
  }
  // Target positions ascend, so a slice's are contiguous.
  const std::int64_t* index = whole.target_index.const_data_ptr<std::int64_t>();
  const std::int64_t* end = index + whole.target_index.numel();
  const std::int64_t begin_at = std::lower_bound(index, end, first * batch.length) - index;
  const std::int64_t end_at = std::lower_bound(index, end, (first + count) * batch.length) - index;
  const std::int64_t targets = end_at - begin_at;
  part.target_index = copy(whole.target_index, begin_at, targets) - first * batch.length;
  part.targets = copy(whole.targets, begin_at, targets);
  add_ignored_targets(part, batch.target_buckets.padded(targets) - targets);
  return part;
}

}  // namespace dtbench
