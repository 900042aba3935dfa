#include "engine/model/roberta_heads.h"

#include <ATen/ATen.h>

#include "engine/model/module_scope.h"
#include "engine/ops/activation.h"
#include "engine/ops/rearrange.h"

namespace dtbench {

RobertaLanguageModelHead::RobertaLanguageModelHead(ParameterSet& parameters,
                                                   const ModelShape& shape,
                                                   double layer_norm_epsilon,
                                                   const Parameter& word_embeddings)
    : LanguageModelHead(
          {"lm_head.decoder", &word_embeddings,
           &parameters.create("lm_head.bias", {shape.vocab}, kZeros, ParameterKind::kVector)}),
      dense_(Linear::create(parameters, "lm_head.dense", shape.width, shape.width)),
      act_{"lm_head", Gelu::Form::kExact},
      layer_norm_(
          LayerNorm::create(parameters, "lm_head.layer_norm", shape.width, layer_norm_epsilon)) {}

Value RobertaLanguageModelHead::transformed(const Value& hidden,
                                            const ForwardContext& context) const {
  return layer_norm_(act_(dense_(hidden, context), context), context);
}

FirstTokenClassifier::FirstTokenClassifier(ParameterSet& parameters, const ModelShape& shape,
                                           std::uint32_t first_site)
    : first_dropout_{"classifier.dropout", first_site},
      dense_(Linear::create(parameters, "classifier.dense", shape.width, shape.width)),
      second_dropout_{"classifier.dropout", first_site + 1},
      out_proj_(Linear::create(parameters, "classifier.out_proj", shape.width, shape.labels)) {}

Value FirstTokenClassifier::logits(const Value& hidden, const at::Tensor& attention_mask,
                                   const ForwardContext& context) const {
  Tape& tape = context.tape;
  const ModuleScope classifier(context, "classifier");
  const ForwardContext& in = classifier.context();
  Value x = first_dropout_(classifier.enter(pooled(hidden, attention_mask, context)), in);
  x = second_dropout_(ops::tanh(tape, dense_(x, in)), in);
  const Value logits = out_proj_.logits(x, in);  // [B, 1, labels]
  return ops::reshape(tape, logits, {logits.size(0), logits.size(2)});
}

at::Tensor FirstTokenClassifier::pooled_index(const at::Tensor& tokens,
                                              const at::Tensor& /*attention_mask*/) const {
  return at::zeros({tokens.size(0)}, tokens.options().dtype(at::kLong));
}

}  // namespace dtbench
