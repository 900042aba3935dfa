#include "engine/numerics/device_scalars.h"

#include <ATen/ATen.h>

#include <cstring>
#include <type_traits>

namespace dtbench {
namespace {

static_assert(std::is_trivially_copyable_v<StepScalars> && std::is_standard_layout_v<StepScalars>);
static_assert(sizeof(StepScalars) % sizeof(double) == 0, "the losses follow, aligned");

constexpr auto kBytes = static_cast<std::int64_t>(sizeof(StepScalars));
// Inputs and results, which begin() writes: all but the state.
constexpr auto kFirstInput = static_cast<std::int64_t>(offsetof(StepScalars, step));

template <typename T>
at::Tensor view_of(const at::Tensor& bytes, T StepScalars::* member) {
  static const StepScalars layout{};
  const auto offset = reinterpret_cast<const std::byte*>(&(layout.*member)) -
                      reinterpret_cast<const std::byte*>(&layout);
  return bytes.narrow(0, offset, sizeof(T)).view(c10::CppTypeToScalarType<T>::value).squeeze(0);
}

}  // namespace

DeviceScalars::DeviceScalars(const c10::Device& device, std::int64_t losses)
    : device_(device),
      losses_(losses),
      bytes_(at::zeros({kBytes + losses * static_cast<std::int64_t>(sizeof(double))},
                       at::TensorOptions(device).dtype(at::kByte))),
      host_bytes_(
          device.is_cpu()
              ? bytes_
              : at::zeros(bytes_.sizes(),
                          at::TensorOptions(at::kCPU).dtype(at::kByte).pinned_memory(true))) {
  tensor(&StepScalars::loss_scale).fill_(1);
}

void DeviceScalars::begin(const StepInputs& inputs) {
  if (!is_read_) read();
  StepScalars& scalars = *host();
  std::memset(reinterpret_cast<std::byte*>(&scalars) + kFirstInput, 0, kBytes - kFirstInput);
  scalars.step = inputs.step;
  scalars.learning_rate = inputs.learning_rate;
  scalars.targets = inputs.targets;
  scalars.hold_nonfinite = inputs.hold_nonfinite ? 1 : 0;
  scalars.inverse_scale = static_cast<float>(1 / static_cast<double>(scalars.loss_scale));
  scalars.loss_scale_in_force = scalars.loss_scale;
  scalars.gradient_factor = 1;
  scalars.clip_coefficient = 1;
  scalars.update = 1;
  is_read_ = false;
  if (device_.is_cpu()) return;
  // Pinned, so that the copy is not waited for; of its own, so that the next one cannot overtake
  // it.
  const at::Tensor from = host_bytes_.narrow(0, kFirstInput, kBytes - kFirstInput);
  at::Tensor pinned = at::empty(from.sizes(), from.options().pinned_memory(true));
  pinned.copy_(from);
  bytes_.narrow(0, kFirstInput, kBytes - kFirstInput).copy_(pinned, /*non_blocking=*/true);
}

const StepScalars& DeviceScalars::read() {
  if (!device_.is_cpu()) host_bytes_.copy_(bytes_);
  is_read_ = true;
  return *host();
}

StepScalars* DeviceScalars::at_hand() const {
  return device_.is_cpu() ? host() : nullptr;
}

StepScalars* DeviceScalars::address() const {
  is_read_ = false;  // a kernel may change what was read
  return static_cast<StepScalars*>(bytes_.data_ptr());
}

StepScalars* DeviceScalars::host() const {
  return static_cast<StepScalars*>(host_bytes_.data_ptr());
}

at::Tensor DeviceScalars::tensor(std::int64_t StepScalars::* member) const {
  return view_of(bytes_, member);
}
at::Tensor DeviceScalars::tensor(std::int32_t StepScalars::* member) const {
  return view_of(bytes_, member);
}
at::Tensor DeviceScalars::tensor(double StepScalars::* member) const {
  return view_of(bytes_, member);
}
at::Tensor DeviceScalars::tensor(float StepScalars::* member) const {
  return view_of(bytes_, member);
}

at::Tensor DeviceScalars::losses_in(const at::Tensor& bytes) const {
  return bytes.narrow(0, kBytes, losses_ * static_cast<std::int64_t>(sizeof(double)))
      .view(at::kDouble);
}

}  // namespace dtbench
