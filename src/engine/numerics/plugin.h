// The table of device operations that the CUDA plug-in (libdtbench_cuda.so) fills in when it is
// loaded. The engine itself links no CUDA: where there is no plug-in, the table stays empty and
// using a CUDA device is a recorded skip.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/philox.h"

namespace c10d {
class Backend;
class Store;
}  // namespace c10d

namespace dtbench {

struct DecisionRule;
struct DropoutDraw;
struct ScaleRule;
struct StepScalars;
struct TensorUpdate;

struct DeviceStatistics {
  std::int64_t peak_allocated_bytes;
  std::int64_t peak_reserved_bytes;
};

struct CudaPlugin {
  const char* source_revision;  // the engine takes one of its own revision only
  const char* compiler;         // nvcc
  const char* compile_flags;    // and what of it is contracted
  // engine/ops/dropout.h: `out` = `x` times its mask, both [B, T, C], contiguous, of one datatype.
  void (*dropout)(const DropoutDraw& draw, const at::Tensor& x, at::Tensor& out);
  // engine/ops/attention_softmax.h, for fp32, bf16 and fp16, contiguous: `scores` become the
  // probabilities, `gradient` that of the scores.
  void (*attention_softmax)(at::Tensor& scores, const at::Tensor& mask, float scale);
  void (*attention_softmax_backward)(at::Tensor& scores, at::Tensor& gradient,
                                     const at::Tensor& mask, float scale);
  // engine/ops/cross_entropy.h, for fp32, bf16 and fp16: `losses` [n] fp32, of each row of `logits`
  // [n, V] (rows contiguous), which become softmax - onehot times `factor` (fp64, a scalar on the
  // device) where that is wanted. `targets` [n, 1] int64, a class or kIgnoredTarget.
  void (*cross_entropy)(at::Tensor& logits, const at::Tensor& targets, const at::Tensor& factor,
                        bool want_gradient, at::Tensor& losses);
  // engine/numerics/finite.h: ors into the int32 `flags` [1] bit 0 for NaN, bit 1 for infinity.
  void (*nonfinite_flags)(const at::Tensor& values, at::Tensor& flags);
  // engine/optim/step_decision.h, on the scalars in the device's memory.
  void (*decide_update)(StepScalars* scalars, const DecisionRule& rule, const at::Tensor& losses);
  void (*end_update)(StepScalars* scalars, bool scaled, const ScaleRule& rule, int index);
  // engine/optim/clip.h: multiplies a contiguous `gradient` by the coefficient of `scalars`.
  void (*clip_gradient)(const StepScalars* scalars, at::Tensor& gradient);
  // engine/optim/cuda_update.h: one parameter's update, unless `scalars` say that there is none.
  // Global step and factor of the gradients are those of `scalars`, the factors of AdamW those in
  // `factors` (AdamWFactors, of fp64 for fp64, in uint8) on the device, not those of `update`. Adds
  // to the counts of `scalars`.
  void (*adamw)(const TensorUpdate& update, const at::Tensor& factors, StepScalars* scalars);
  // With 8-bit states, by BlockwiseFactors; `tables` [4, 256] fp32 on the device: map and
  // thresholds, signed then unsigned.
  void (*adamw_8bit)(const TensorUpdate& update, const at::Tensor& factors,
                     const at::Tensor& tables, StepScalars* scalars);
  Json (*describe_device)(int index);  // name, capability, memory, driver and runtime versions
  DeviceStatistics (*peak_memory)(int index);
  void (*synchronize)(int index);
  std::string (*pci_bus_id)(int index);  // "0000:01:00.0": which GPU that is for others than CUDA
  std::array<unsigned char, 16> (*uuid)(int index);  // the card itself, whichever machine it is in
  // Events around work on the current stream: start, stop, and the seconds between them, once the
  // device has come to the second; the timer is gone then.
  void* (*start_timer)(int index);
  void (*stop_timer)(void* timer, int index);
  double (*timer_seconds)(void* timer);
  // Whether from now on torch's calls that wait for the device throw instead.
  void (*refuse_waiting)(bool refuse);
  // engine/distributed/ranks.h: NCCL between the ranks that meet at `store`, by c10d. Throws Error
  // (permanent) where the plug-in was built without NCCL's header.
  c10::intrusive_ptr<c10d::Backend> (*collectives)(const c10::intrusive_ptr<c10d::Store>& store,
                                                   int rank, int size,
                                                   std::chrono::milliseconds timeout);
};

// Called by the plug-in's initializer. A plug-in of another source revision is not taken, and
// load_cuda_plugin says so.
void register_cuda_plugin(const CudaPlugin& plugin);

// Loads libdtbench_cuda.so from the program's own folder, once. Returns null and says why in
// `reason` when there is none or it cannot be loaded.
const CudaPlugin* load_cuda_plugin(std::string& reason);

// What a record says of it (audit.json): {"sha256", "source_revision", "compiler",
// "compile_flags"}; null while none is loaded.
Json cuda_plugin_identity();

// The loaded plug-in; throws std::logic_error when there is none: check at the device's choice.
const CudaPlugin& cuda_plugin();

}  // namespace dtbench
