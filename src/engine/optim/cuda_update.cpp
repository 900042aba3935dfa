#include "engine/optim/cuda_update.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "engine/numerics/plugin.h"
#include "engine/optim/blockwise_8bit.h"
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

// A group's row of factors: AdamW's in the accumulation datatype, then those of 8-bit states.
constexpr std::int64_t kPlain = sizeof(AdamWFactors<double>);
constexpr std::int64_t kBlockwise = sizeof(BlockwiseFactors);
constexpr std::int64_t kRow = (kPlain + kBlockwise + 15) / 16 * 16;  // the next row is aligned

template <typename T>
void write(const T& factors, std::byte* to) {
  std::memcpy(to, &factors, sizeof factors);
}

void write_factors(const TensorUpdate& update, std::byte* row) {
  if (update.value.scalar_type() == at::kDouble)
    write(adamw_factors<double>(update.step), row);
  else
    write(adamw_factors<float>(update.step), row);
  write(blockwise_factors(update.step), row + kPlain);
}

}  // namespace

CudaUpdate::CudaUpdate(const c10::Device& device)
    : tables_(code_tables().to(device)),
      factors_(at::zeros({static_cast<std::int64_t>(std::tuple_size_v<Groups>), kRow},
                         at::TensorOptions(device).dtype(at::kByte))) {}

void CudaUpdate::launch(const Groups& groups, DeviceScalars& scalars) {
  // Fresh pinned memory for each step: torch keeps it until the copy has been made.
  const at::Tensor pinned =
      at::empty(factors_.sizes(), at::TensorOptions(at::kCPU).dtype(at::kByte).pinned_memory(true));
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (!groups[i].empty())
      write_factors(groups[i].front(), static_cast<std::byte*>(pinned.data_ptr()) +
                                           static_cast<std::int64_t>(i) * kRow);
  factors_.copy_(pinned, /*non_blocking=*/true);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const at::Tensor row = factors_[static_cast<std::int64_t>(i)];
    for (const TensorUpdate& update : groups[i]) {
      if (update.state.exp_avg_absmax.defined())
        cuda_plugin().adamw_8bit(update, row.narrow(0, kPlain, kBlockwise), tables_,
                                 scalars.address());
      else
        cuda_plugin().adamw(update, row, scalars.address());
    }
  }
}

}  // namespace dtbench
