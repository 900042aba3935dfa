#include "engine/model/parameters.h"

#include <ATen/ATen.h>

#include <stdexcept>
#include <utility>

#include "base/sha256.h"
#include "base/text.h"
#include "engine/model/initial_weights.h"

namespace dtbench {

ParameterSet::ParameterSet(at::TensorOptions options, std::uint32_t seed)
    : ParameterSet(options, seed, options.dtype().toScalarType()) {}

ParameterSet::ParameterSet(at::TensorOptions options, std::uint32_t seed,
                           at::ScalarType gradient_type)
    : options_(options), seed_(seed), gradient_type_(gradient_type) {}

const Parameter& ParameterSet::create(const std::string& name, at::IntArrayRef shape,
                                      InitialValue initial, ParameterKind kind) {
  const at::Tensor drawn = draw_initial_weight(name, shape, initial, seed_);
  record_draw(name, drawn);
  gradients_.emplace_back();
  return parameters_.emplace_back(
      Parameter{name, drawn.to(options_), kind, parameters_.size(), layer_});
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

void ParameterSet::add_gradient(std::size_t index, at::Tensor gradient) {
  at::Tensor& sum = gradients_[index];
  if (sum.defined())
    sum.add_(gradient);
  else if (gradient.scalar_type() != gradient_type_)
    sum = gradient.to(gradient_type_);
  // Taken as it is, unless somebody else holds it or it lies in another order than the weight.
  else if (gradient.use_count() == 1 && gradient.storage().use_count() == 1 &&
           gradient.is_contiguous())
    sum = std::move(gradient);
  else
    sum = gradient.clone(at::MemoryFormat::Contiguous);
}

std::vector<at::Tensor> ParameterSet::gradients() {
  for (const Parameter& parameter : parameters_) {
    at::Tensor& gradient = gradients_[parameter.index];
    if (!gradient.defined())
      gradient = at::zeros(parameter.value.sizes(), options_.dtype(gradient_type_));
  }
  return gradients_;
}

void ParameterSet::clear_gradients() {
  for (at::Tensor& gradient : gradients_)
    gradient.reset();
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
    const at::Tensor value = parameter.value.cpu().contiguous();
    hash.update(concat(parameter.name, value.sizes(), c10::toString(value.scalar_type()), '\n'));
    hash.update(value.const_data_ptr(), value.nbytes());
  }
  return hash.hex_digest();
}

}  // namespace dtbench
