#include "engine/telemetry/moment_health.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace dtbench {
namespace {

// Elements at a time: temporaries stay in a core's second cache, and small on a GPU.
constexpr std::int64_t kPart = std::int64_t{1} << 16;

class Adder {
 public:
  Adder(const RunSpec& spec, std::int64_t updates)
      : first_(1 - std::pow(spec.train.beta1, static_cast<double>(updates))),
        second_(1 - std::pow(spec.train.beta2, static_cast<double>(updates))),
        epsilon_(spec.policy.epsilon) {}

  void add(MomentHealth& health, const at::Tensor& m, const at::Tensor& v) const {
    const at::Tensor first = m.to(at::kFloat), second = v.to(at::kFloat);
    health.flushed += at::logical_and(second == 0, first != 0).sum().item<std::int64_t>();
    const at::Tensor step = (first / first_).abs_().div_((second / second_).sqrt_().add_(epsilon_));
    health.longest = std::max(health.longest, step.max().item<double>());
    health.length += step.square_().sum(at::kDouble).item<double>();
  }

 private:
  double first_, second_, epsilon_;
};

std::map<std::string, at::Tensor> states_of(const Trainer& trainer) {
  std::map<std::string, at::Tensor> states;
  for (auto& [name, tensor] : trainer.update().optimizer().named_states())
    states[name] = tensor;
  return states;
}

bool is_number(const at::Tensor& x) {
  return at::isFloatingType(x.scalar_type());
}

}  // namespace

std::vector<MomentHealth> moment_health(const Trainer& trainer, double learning_rate) {
  const std::int64_t updates = trainer.update().updates();
  if (updates == 0) return {};
  const std::map<std::string, at::Tensor> states = states_of(trainer);
  const Adder adder(trainer.spec(), updates);
  std::vector<MomentHealth> all;
  for (const Parameter& parameter : trainer.parameters().all()) {
    const auto m = states.find("exp_avg." + parameter.name);
    const auto v = states.find("exp_avg_sq." + parameter.name);
    if (m == states.end() || v == states.end() || !is_number(m->second) || !is_number(v->second))
      continue;
    MomentHealth health{parameter.name, parameter.layer, parameter.value.numel()};
    const at::Tensor first = m->second.flatten(), second = v->second.flatten();
    for (std::int64_t begin = 0; begin < health.elements; begin += kPart) {
      const std::int64_t count = std::min(kPart, health.elements - begin);
      adder.add(health, first.narrow(0, begin, count), second.narrow(0, begin, count));
    }
    const double weight =
        at::linalg_vector_norm(parameter.value, 2, {}, false, at::kDouble).item<double>();
    const double norm = std::sqrt(health.length);
    health.to_weight = weight > 0 ? learning_rate * norm / weight : 0;
    health.length = norm / std::sqrt(static_cast<double>(health.elements));
    all.push_back(std::move(health));
  }
  return all;
}

}  // namespace dtbench
