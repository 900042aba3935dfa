#include "engine/model/differentiate.h"

#include <ATen/ATen.h>

#include <utility>

namespace dtbench {

at::Tensor differentiate(const Model& model, const MicroBatch& batch, const Pass& pass,
                         const LossNormalizer& normalizer, const Tape::LeafSink& sink) {
  Tape tape(Tape::Mode::kDifferentiate, pass.observer);
  const Value loss = model.loss(batch, {tape, pass.rules, pass.dropout}, normalizer);
  tape.backward(loss, at::ones_like(loss.tensor()), sink);
  return loss.tensor();
}

Tape::LeafSink into(ParameterSet& parameters) {
  return [&parameters](std::size_t index, at::Tensor gradient) {
    parameters.add_gradient(index, std::move(gradient));
  };
}

}  // namespace dtbench
