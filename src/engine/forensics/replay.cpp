#include "engine/forensics/replay.h"

#include <ATen/ATen.h>

#include "base/philox.h"

namespace dtbench {
namespace {

// Adding 1 to the bits of a number moves its magnitude by one unit in the last place.
template <typename Bits>
void move_bits(at::Tensor& values, const PhiloxKey& key, std::uint32_t name) {
  auto* bits = static_cast<Bits*>(values.mutable_data_ptr());
  constexpr auto kMagnitude = static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1);
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    if ((bits[i] & kMagnitude) == 0) continue;
    const auto index = static_cast<std::uint64_t>(i) / 4;
    const PhiloxWords words = philox4x32_10(
        {{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), name, 0}},
        key);
    const bool up = (words.v[i % 4] & 1) != 0;
    bits[i] = static_cast<Bits>(up ? bits[i] + 1 : bits[i] - 1);
  }
}

void move_by_ulp(const ParameterSet& parameters, std::uint32_t draw) {
  const PhiloxKey key{draw, stream::kReplayedWeights};
  for (const Parameter& parameter : parameters.all()) {
    at::Tensor values = parameter.value.to(at::kCPU, parameter.value.scalar_type(),
                                           /*non_blocking=*/false, /*copy=*/true);
    const std::uint32_t name = name_hash(parameter.name);
    if (values.element_size() == 2)
      move_bits<std::uint16_t>(values, key, name);
    else if (values.element_size() == 4)
      move_bits<std::uint32_t>(values, key, name);
    else
      move_bits<std::uint64_t>(values, key, name);
    parameter.value.copy_(values);
  }
}

// NaN equals NaN: bits are compared.
bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return at::equal(a.contiguous().view(at::kByte), b.contiguous().view(at::kByte));
}

}  // namespace

Replay::Replay(const RunSpec& spec, const ReplaySource& source, std::uint32_t draw)
    : trainer_(spec, source.store, source.device, source.initial_weights) {
  if (draw != 0) move_by_ulp(trainer_.parameters(), draw);
}

std::optional<NonFiniteEvent> Replay::finish(Trainer::Gradients& gradients) {
  std::optional<NonFiniteEvent> nonfinite = gradients.nonfinite;
  if (!nonfinite) nonfinite = trainer_.apply_gradients(gradients);
  event_ = gradients.event;
  ++step_;
  return nonfinite;
}

std::optional<NonFiniteEvent> Replay::step() {
  Trainer::Gradients gradients = trainer_.compute_gradients(step_);
  return finish(gradients);
}

std::optional<NonFiniteEvent> Replay::watched_step() {
  watch_ = {};
  trainer_.observe(&watch_);
  Trainer::Gradients gradients = trainer_.compute_gradients(step_);
  trainer_.observe(nullptr);
  const UpdateWatch before(trainer_);
  const std::optional<NonFiniteEvent> nonfinite = finish(gradients);
  signals_ = {event_, watch_.activations(), watch_.gradients(), std::nullopt};
  if (!gradients.nonfinite && !event_.skipped)
    signals_.update = before.compare(trainer_, gradients);
  return nonfinite;
}

bool Replay::next_step_repeats() {
  trainer_.compute_gradients(step_);
  // Handles suffice: each step's gradients are tensors of their own.
  const std::vector<at::Tensor> first = trainer_.stored_gradients();
  trainer_.compute_gradients(step_);
  const std::vector<at::Tensor> second = trainer_.stored_gradients();
  for (std::size_t i = 0; i < first.size(); ++i)
    if (!same_bits(first[i], second[i])) return false;
  return true;
}

void ReplayEnd::add(const StepEvent& event) {
  last_loss = event.loss;
  skipped = event.skipped;
  if (steps++ == 0) first_loss = last_loss;
}

ReplayEnd replay(const RunSpec& spec, const ReplaySource& source, std::int64_t steps,
                 std::uint32_t draw) {
  Replay replay(spec, source, draw);
  ReplayEnd end;
  while (replay.steps() < steps && !end.nonfinite) {
    end.nonfinite = replay.step();
    end.add(replay.event());
  }
  return end;
}

}  // namespace dtbench
