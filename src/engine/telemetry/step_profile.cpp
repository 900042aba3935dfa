#include "engine/telemetry/step_profile.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/numerics/device.h"
#include "engine/numerics/device_timer.h"
#include "engine/numerics/scalar_type.h"
#include "engine/telemetry/matmul_rate.h"
#include "engine/telemetry/node_work.h"

namespace dtbench {
namespace {

constexpr int kUnmeasured = 1, kMeasured = 5;  // steps; the first fills caches

// The time between one lap and the next, by the clock of the device. Waits for nothing.
class Laps {
 public:
  explicit Laps(const c10::Device& device) : device_(device) {}

  void start() {
    seconds_.clear();
    timers_.clear();
    next();
  }

  void end() {
    seconds_.push_back(steady_seconds() - started_);
    if (device_.is_cuda()) timers_.back()->stop();
    next();
  }

  // Once the device has been waited for.
  std::vector<double> read() {
    if (device_.is_cuda())
      for (std::size_t lap = 0; lap < seconds_.size(); ++lap)
        seconds_[lap] = timers_[lap]->seconds().value_or(0);
    return seconds_;
  }

 private:
  void next() {
    if (device_.is_cuda()) timers_.push_back(std::make_unique<DeviceTimer>(device_));
    started_ = steady_seconds();
  }

  c10::Device device_;
  double started_ = 0;
  std::vector<double> seconds_;
  std::vector<std::unique_ptr<DeviceTimer>> timers_;
};

enum class Pass { kForward, kBackward, kNone };

struct Part {
  std::int64_t calls = 0;
  std::map<Pass, double> seconds;
  NodeWork work;
};

double total_of(const Part& part) {
  double sum = 0;
  for (const auto& [pass, seconds] : part.seconds)
    sum += seconds;
  return sum;
}

// One step: its operations, and the parts that are none, in the order of their first appearance.
class StepProfile : public NodeObserver {
 public:
  explicit StepProfile(const c10::Device& device) : laps_(device) {}

  void start() {
    names_.clear();
    parts_.clear();
    laps_of_.clear();
    laps_.start();
  }

  void on_begin() override { end_part("batch", 0); }

  void on_node(const Node& node, Phase phase, at::TensorList in, at::TensorList out) override {
    const bool backward = phase == Phase::kBackward;
    end(std::string(node.operation), backward ? Pass::kBackward : Pass::kForward);
    if (backward) return;
    Part& part = parts_[std::string(node.operation)];
    const NodeWork work = node_work(node, in, out);
    part.calls += 1;
    part.work.flops += work.flops;
    part.work.bytes += work.bytes;
  }

  void on_gradients_added() override { end_part("gradients added up", 0); }

  // What was asked of the device since the last part is `name`, which needs to move `bytes`.
  void end_part(const std::string& name, double bytes) {
    end(name, Pass::kNone);
    parts_[name].calls += 1;
    parts_[name].work.bytes += bytes;
  }

  // Once the device has been waited for.
  void finish() {
    const std::vector<double> seconds = laps_.read();
    for (std::size_t lap = 0; lap < seconds.size(); ++lap)
      parts_[laps_of_[lap].name].seconds[laps_of_[lap].pass] += seconds[lap];
  }

  double seconds() const {
    double sum = 0;
    for (const auto& [name, part] : parts_)
      sum += total_of(part);
    return sum;
  }

  const std::vector<std::string>& names() const { return names_; }
  const Part& part(const std::string& name) const { return parts_.at(name); }

 private:
  struct Lap {
    std::string name;
    Pass pass;
  };

  void end(const std::string& name, Pass pass) {
    laps_.end();
    laps_of_.push_back({name, pass});
    if (!parts_.contains(name)) names_.push_back(name);
    parts_[name];
  }

  Laps laps_;
  std::vector<Lap> laps_of_;
  std::vector<std::string> names_;
  std::map<std::string, Part> parts_;
};

struct Roofs {
  double flops_per_s, bytes_per_s;
};

double floor_seconds(const NodeWork& work, const Roofs& roofs) {
  return std::max(work.flops / roofs.flops_per_s, work.bytes / roofs.bytes_per_s);
}

Json milliseconds(const std::optional<double>& seconds) {
  return seconds ? Json(*seconds * 1e3) : Json();
}

Json part_json(const std::string& name, const Part& part, const Roofs& roofs) {
  const auto in = [&](Pass pass) -> std::optional<double> {
    const auto found = part.seconds.find(pass);
    return found == part.seconds.end() ? std::nullopt : std::optional(found->second);
  };
  return {{"name", name},
          {"calls", part.calls},
          {"ms", milliseconds(total_of(part))},
          {"forward_ms", milliseconds(in(Pass::kForward))},
          {"backward_ms", milliseconds(in(Pass::kBackward))},
          {"flops", part.work.flops},
          {"bytes", part.work.bytes},
          {"floor_ms", milliseconds(floor_seconds(part.work, roofs))}};
}

Json profile_json(const StepProfile& step, const Roofs& roofs) {
  Json parts = Json::array();
  double floor = 0;
  for (const std::string& name : step.names()) {
    parts.push_back(part_json(name, step.part(name), roofs));
    floor += floor_seconds(step.part(name).work, roofs);
  }
  return {{"steps", kMeasured},
          {"step_ms", milliseconds(step.seconds())},
          {"floor_ms", milliseconds(floor)},
          {"flops_per_s", roofs.flops_per_s},
          {"bytes_per_s", roofs.bytes_per_s},
          {"parts", std::move(parts)}};
}

struct StoredBytes {
  double parameters = 0, gradients = 0, states = 0;
};

StoredBytes stored_bytes(const Trainer& trainer) {
  StoredBytes stored;
  const auto gradient_size =
      static_cast<double>(c10::elementSize(scalar_type(trainer.spec().policy.gradients)));
  for (const at::Tensor& parameter : trainer.parameters().values()) {
    stored.parameters += bytes_of(parameter);
    stored.gradients += static_cast<double>(parameter.numel()) * gradient_size;
  }
  for (const auto& [name, state] : trainer.update().named_states())
    stored.states += bytes_of(state);
  return stored;
}

void train_step(Trainer& trainer, StepProfile& profile, const StoredBytes& stored) {
  profile.start();
  Trainer::Gradients gradients = trainer.compute_gradients(trainer.spec().train.steps - 1);
  profile.end_part("clipping", stored.gradients);
  trainer.launch_update(gradients);
  profile.end_part("update", 2 * stored.parameters + stored.gradients + 2 * stored.states);
  trainer.finish_step(gradients);
  synchronize(trainer.device());
  profile.finish();
}

}  // namespace

Json profile_steps(Trainer& trainer, const Peaks& peaks) {
  if (!peaks.measured) return nullptr;
  const Roofs roofs{peaks.measured->at("flops_per_s").get<double>(), copy_rate(trainer.device())};
  const StoredBytes stored = stored_bytes(trainer);
  std::vector<StepProfile> steps;
  for (int step = 0; step < kUnmeasured + kMeasured; ++step) {
    StepProfile profile(trainer.device());
    trainer.observe(&profile);
    train_step(trainer, profile, stored);
    trainer.observe(nullptr);
    if (step >= kUnmeasured) steps.push_back(std::move(profile));
  }
  std::sort(steps.begin(), steps.end(),
            [](const StepProfile& a, const StepProfile& b) { return a.seconds() < b.seconds(); });
  return profile_json(steps[steps.size() / 2], roofs);
}

}  // namespace dtbench
