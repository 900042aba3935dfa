#include "engine/optim/cuda_update.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/numerics/plugin.h"
#include "engine/optim/dynamic_map.h"

namespace dtbench {
namespace {

at::Tensor code_tables() {
  at::Tensor tables = at::empty({4, 256}, at::kFloat);
  auto* row = tables.mutable_data_ptr<float>();
  for (const DynamicMap* map : {&signed_dynamic_map(), &unsigned_dynamic_map()}) {
    row = std::copy(map->begin(), map->end(), row);
    const CodeThresholds thresholds = code_thresholds(*map);
    row = std::copy(thresholds.begin(), thresholds.end(), row);
  }
  return tables;
}

}  // namespace

UpdateCounts cuda_update(const std::vector<TensorUpdate>& updates) {
  if (updates.empty()) return {};
  const at::Device device = updates.front().value.device();
  at::Tensor tables;
  at::Tensor lost = at::zeros({3}, at::TensorOptions(device).dtype(at::kLong));
  UpdateCounts counts;
  for (const TensorUpdate& update : updates) {
    const std::int64_t elements = update.value.numel();
    counts.elements += elements;
    if (update.state.exp_avg_absmax.defined()) {
      counts.eight_bit_elements += elements;
      if (!tables.defined()) tables = code_tables().to(device);
      cuda_plugin().adamw_8bit(update, tables, lost);
    } else {
      cuda_plugin().adamw(update, lost);
    }
  }
  lost = lost.cpu();
  counts.lost_weight_updates = lost[0].item<std::int64_t>();
  counts.lost_v_updates = lost[1].item<std::int64_t>();
  counts.zero_point_hits = lost[2].item<std::int64_t>();
  return counts;
}

}  // namespace dtbench
