#include "engine/model/parameters.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <stdexcept>

#include "base/sha256.h"
#include "base/text.h"
#include "engine/model/initial_weights.h"

namespace dtbench {

ParameterSet::ParameterSet(at::TensorOptions options, std::uint32_t seed)
    : ParameterSet(options, seed, options.dtype().toScalarType()) {}

ParameterSet::ParameterSet(at::TensorOptions options, std::uint32_t seed,
                           at::ScalarType gradient_type)
    : options_(options), seed_(seed), gradient_type_(gradient_type) {}

at::Tensor ParameterSet::create(const std::string& name, at::IntArrayRef shape,
                                InitialValue initial, ParameterKind kind) {
  const at::Tensor drawn = draw_initial_weight(name, shape, initial, seed_);
  record_draw(name, drawn);
  at::Tensor value = drawn.to(options_).detach().requires_grad_();
  parameters_.push_back({name, value, kind});
  if (!gradients_are_leaves())
    accumulated_.push_back(at::zeros(shape, options_.dtype(gradient_type_)));
  return value;
}

void ParameterSet::record_draw(const std::string& name, const at::Tensor& drawn) {
  Sha256 hash;
  hash.update(drawn.const_data_ptr(), drawn.nbytes());
  draws_ += concat(name, ' ', drawn.sizes(), ' ', hash.hex_digest(), '\n');
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

void ParameterSet::collect_gradients() {
  const c10::NoGradGuard no_grad;
  for (std::size_t i = 0; i < accumulated_.size(); ++i) {
    at::Tensor& gradient = parameters_[i].value.mutable_grad();
    if (gradient.defined()) accumulated_[i].add_(gradient);
    gradient.reset();
  }
}

std::vector<at::Tensor> ParameterSet::gradients() const {
  if (!gradients_are_leaves()) return accumulated_;
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
  for (at::Tensor& gradient : accumulated_)
    gradient.zero_();
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

std::int64_t ParameterSet::gradient_bytes() const {
  return element_count() * static_cast<std::int64_t>(c10::elementSize(gradient_type_));
}

std::string ParameterSet::draws_fingerprint() const {
  return sha256_hex(draws_);
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
