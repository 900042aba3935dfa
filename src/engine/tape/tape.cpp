#include "engine/tape/tape.h"

#include <ATen/ATen.h>

#include <stdexcept>
#include <utility>

namespace dtbench {
namespace {

// Whether adding in place changes nobody else's tensor.
bool is_unshared(const at::Tensor& x) {
  return x.use_count() == 1 && x.storage().use_count() == 1 && x.is_non_overlapping_and_dense();
}

}  // namespace

Tape::Tape(Mode mode, NodeObserver* observer) : mode_(mode), observer_(observer) {
  if (observer_ != nullptr) observer_->on_begin();
}

std::int32_t Tape::new_value() {
  values_.emplace_back();
  return static_cast<std::int32_t>(values_.size() - 1);
}

Value Tape::leaf(const at::Tensor& parameter, std::size_t index, std::string_view name) {
  if (index >= id_of_leaf_.size()) id_of_leaf_.resize(index + 1, -1);
  std::int32_t& id = id_of_leaf_[index];
  if (id < 0) {
    id = new_value();
    values_.back().leaf = static_cast<std::int64_t>(index);
    if (observer_ != nullptr) observer_->on_leaf(id, name);
  }
  return {parameter, id};
}

Tape::Entry Tape::make_entry(std::string_view operation,
                             std::initializer_list<Value> inputs) const {
  Entry entry{operation, module_, layer_, phase_, {}, {}, {}};
  for (const Value& input : inputs)
    entry.inputs.push_back(input.id_);
  return entry;
}

Value Tape::record(std::string_view operation, std::initializer_list<Value> inputs,
                   at::Tensor output, Backward backward) {
  return record(operation, inputs, Tensors{std::move(output)}, std::move(backward)).front();
}

Values Tape::record(std::string_view operation, std::initializer_list<Value> inputs,
                    Tensors outputs, Backward backward) {
  Values values;
  if (!differentiates() && observer_ == nullptr) {
    for (at::Tensor& output : outputs)
      values.emplace_back(std::move(output));
    return values;
  }
  Entry entry = make_entry(operation, inputs);
  for (const at::Tensor& output : outputs) {
    entry.outputs.push_back(new_value());
    values.push_back(Value(output, entry.outputs.back()));
  }
  if (observer_ != nullptr) {
    Tensors given;
    for (const Value& input : inputs)
      given.push_back(input.tensor());
    observer_->on_node(entry.node(), phase_, given, outputs);
  }
  if (!differentiates()) return values;
  for (const std::int32_t input : entry.inputs)
    if (input >= 0 && values_[static_cast<std::size_t>(input)].leaf >= 0)
      ++values_[static_cast<std::size_t>(input)].uses;
  entry.backward = std::move(backward);
  entries_.push_back(std::move(entry));
  return values;
}

void Tape::backward(const Value& root, const at::Tensor& gradient, const LeafSink& sink) {
  if (!differentiates()) throw std::logic_error("a forward-only tape has no backward pass");
  if (root.id_ < 0) throw std::logic_error("the root of a backward pass is not on the tape");
  add_gradient(root.id_, gradient);
  while (!entries_.empty()) {
    Entry entry = std::move(entries_.back());
    entries_.pop_back();
    differentiate(std::move(entry), sink);
  }
  values_.clear();
  id_of_leaf_.clear();
}

void Tape::differentiate(Entry entry, const LeafSink& sink) {
  Tensors upstream;
  bool reached = false;
  for (const std::int32_t output : entry.outputs) {
    upstream.push_back(std::move(values_[static_cast<std::size_t>(output)].gradient));
    reached = reached || upstream.back().defined();
  }
  if (reached) {
    if (observer_ != nullptr) observer_->before_backward(entry.node(), upstream);
    const Tensors seen = observer_ != nullptr ? upstream : Tensors{};
    Tensors gradients = entry.backward(std::move(upstream));
    entry.backward = nullptr;  // frees what it saved before gradients are added up
    if (observer_ != nullptr) observer_->on_node(entry.node(), Phase::kBackward, seen, gradients);
    if (gradients.size() != entry.inputs.size())
      throw std::logic_error(std::string(entry.operation) +
                             ": its backward pass must return a gradient for each input");
    for (std::size_t i = 0; i < gradients.size(); ++i)
      if (gradients[i].defined()) add_gradient(entry.inputs[i], std::move(gradients[i]));
  }
  release_inputs(entry.inputs, sink);
  if (reached && observer_ != nullptr) observer_->on_gradients_added();
}

void Tape::add_gradient(std::int32_t id, at::Tensor gradient) {
  if (id < 0) return;
  at::Tensor& sum = values_[static_cast<std::size_t>(id)].gradient;
  if (!sum.defined())
    sum = std::move(gradient);
  else if (sum.scalar_type() != gradient.scalar_type())
    throw std::logic_error("gradients of two datatypes meet at a value");
  else if (is_unshared(sum))
    sum.add_(gradient);
  else
    sum = sum + gradient;
}

void Tape::release_inputs(const Ids& inputs, const LeafSink& sink) {
  for (const std::int32_t input : inputs) {
    if (input < 0) continue;
    ValueState& value = values_[static_cast<std::size_t>(input)];
    if (value.leaf < 0 || --value.uses > 0 || !value.gradient.defined()) continue;
    sink(static_cast<std::size_t>(value.leaf), std::move(value.gradient));
  }
}

Tape::InModule::InModule(Tape& tape, std::string_view name)
    : tape_(tape), before_(std::exchange(tape.module_, name)) {}
Tape::InModule::~InModule() {
  tape_.module_ = before_;
}

Tape::InLayer::InLayer(Tape& tape, std::int64_t layer) : tape_(tape) {
  tape.layer_ = layer;
}
Tape::InLayer::~InLayer() {
  tape_.layer_ = -1;
}

Tape::InLoss::InLoss(Tape& tape) : tape_(tape) {
  tape.phase_ = Phase::kLoss;
}
Tape::InLoss::~InLoss() {
  tape_.phase_ = Phase::kForward;
}

}  // namespace dtbench
