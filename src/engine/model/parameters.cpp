#include "engine/model/parameters.h"

#include <ATen/ATen.h>

#include <stdexcept>

#include "base/sha256.h"
#include "base/text.h"
#include "engine/model/initial_weights.h"

namespace dtbench {

ParameterSet::ParameterSet(at::TensorOptions options, std::uint32_t seed)
    : options_(options), seed_(seed) {}

at::Tensor ParameterSet::create(const std::string& name, at::IntArrayRef shape,
                                InitialValue initial, bool weight_decay) {
  at::Tensor value =
      draw_initial_weight(name, shape, initial, seed_).to(options_).detach().requires_grad_();
  parameters_.push_back({name, value, weight_decay});
  return value;
}

const Parameter& ParameterSet::at(const std::string& name) const {
  for (const Parameter& parameter : parameters_)
    if (parameter.name == name) return parameter;
  throw std::logic_error("no parameter is called " + name);
}

std::vector<at::Tensor> ParameterSet::values() const {
  std::vector<at::Tensor> values;
  for (const Parameter& parameter : parameters_)
    values.push_back(parameter.value);
  return values;
}

std::vector<at::Tensor> ParameterSet::gradients() const {
  std::vector<at::Tensor> gradients;
  for (const Parameter& parameter : parameters_) {
    at::Tensor& gradient = parameter.value.mutable_grad();
    if (!gradient.defined()) gradient = at::zeros_like(parameter.value);
    gradients.push_back(gradient);
  }
  return gradients;
}

void ParameterSet::clear_gradients() {
  for (const Parameter& parameter : parameters_)
    parameter.value.mutable_grad().reset();
}

std::int64_t ParameterSet::element_count() const {
  std::int64_t count = 0;
  for (const Parameter& parameter : parameters_)
    count += parameter.value.numel();
  return count;
}

std::int64_t ParameterSet::bytes() const {
  std::int64_t bytes = 0;
  for (const Parameter& parameter : parameters_)
    bytes += static_cast<std::int64_t>(parameter.value.nbytes());
  return bytes;
}

std::string ParameterSet::fingerprint() const {
  Sha256 hash;
  for (const Parameter& parameter : parameters_) {
    const at::Tensor value = parameter.value.detach().cpu().contiguous();
    hash.update(concat(parameter.name, value.sizes(), c10::toString(value.scalar_type()), '\n'));
    hash.update(value.const_data_ptr(), value.nbytes());
  }
  return hash.hex_digest();
}

}  // namespace dtbench
