#include "engine/model/heads.h"

#include <ATen/ATen.h>

#include "engine/ops/activation.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/lm_head_loss.h"

namespace dtbench {

LanguageModelHead::LanguageModelHead(ParameterSet& parameters, const ModelShape& shape,
                                     double layer_norm_epsilon, const at::Tensor& word_embeddings)
    : decoder_{"lm_head", word_embeddings, {}} {
  if (shape.architecture != roberta_family()) return;
  decoder_.name = "lm_head.decoder";
  decoder_.bias = parameters.create("lm_head.bias", {shape.vocab}, kZeros, ParameterKind::kVector);
  dense_ = Linear::create(parameters, "lm_head.dense", shape.width, shape.width);
  layer_norm_ =
      LayerNorm::create(parameters, "lm_head.layer_norm", shape.width, layer_norm_epsilon);
}

at::Tensor LanguageModelHead::transformed(const at::Tensor& hidden,
                                          const ForwardContext& context) const {
  if (!dense_) return hidden;
  return (*layer_norm_)(ops::gelu_exact((*dense_)(hidden, context), context.rules), context);
}

at::Tensor LanguageModelHead::logits(const at::Tensor& hidden,
                                     const ForwardContext& context) const {
  return decoder_(transformed(hidden, context), context);
}

// Transformers' causal LM loss is the contract's already: it casts logits to fp32.
bool LanguageModelHead::follows_contract(const ForwardContext& context) const {
  return context.rules.loss == LossRule::kContract || !dense_;
}

at::Tensor LanguageModelHead::loss(const at::Tensor& hidden, const at::Tensor& targets,
                                   const LossNormalizer& normalizer,
                                   const ForwardContext& context) const {
  if (!follows_contract(context))
    return ops::cross_entropy_chain(logits(hidden, context), targets, normalizer);
  return ops::lm_head_loss(transformed(hidden, context), decoder_.weight, decoder_.bias, targets,
                           normalizer, context.rules);
}

ClassificationHead::ClassificationHead(ParameterSet& parameters, const ModelShape& shape,
                                       std::uint32_t first_site)
    : first_site_(first_site) {
  if (shape.architecture == gpt2_family()) {
    output_ = Linear::create_without_bias(parameters, "score", shape.width, shape.labels);
    return;
  }
  dense_ = Linear::create(parameters, "classifier.dense", shape.width, shape.width);
  output_ = Linear::create(parameters, "classifier.out_proj", shape.width, shape.labels);
}

at::Tensor ClassificationHead::logits(const at::Tensor& hidden, const at::Tensor& attention_mask,
                                      const ForwardContext& context) const {
  const std::int64_t samples = hidden.size(0), tokens = hidden.size(1), width = hidden.size(2);
  const at::Tensor index = pooled_index(hidden, attention_mask);
  const at::Tensor rows = at::arange(samples, index.options()) * tokens + index;
  at::Tensor x = hidden.reshape({-1, width}).index_select(0, rows).view({samples, 1, width});
  if (dense_) {
    x = dropped(x, first_site_, context);
    x = ops::tanh((*dense_)(x, context));
    x = dropped(x, first_site_ + 1, context);
  }
  return output_(x, context).squeeze(1);  // [B, labels]
}

at::Tensor ClassificationHead::pooled_index(const at::Tensor& tokens,
                                            const at::Tensor& attention_mask) const {
  const std::int64_t samples = tokens.size(0), length = tokens.size(1);
  const at::TensorOptions options = tokens.options().dtype(at::kLong);
  if (dense_) return at::zeros({samples}, options);
  if (!attention_mask.defined()) return at::full({samples}, length - 1, options);
  return (at::arange(length, options) * attention_mask).argmax(-1);
}

}  // namespace dtbench
