#include "engine/model/roberta.h"

#include <ATen/ATen.h>

#include "base/text.h"
#include "engine/model/module_scope.h"
#include "engine/model/roberta_heads.h"
#include "engine/ops/attention.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/rearrange.h"

namespace dtbench {

RobertaLayer::RobertaLayer(ParameterSet& parameters, const ModelShape& shape,
                           double layer_norm_epsilon, std::int64_t layer)
    : name_(concat("roberta.encoder.layer.", layer)), layer_(layer), heads_(shape.heads) {
  const ParameterSet::InLayer in_layer(parameters, layer);
  const std::int64_t width = shape.width;
  const auto first_site = static_cast<std::uint32_t>(1 + 2 * layer);
  self_ = name_ + ".attention.self";
  query_ = Linear::create(parameters, self_ + ".query", width, width);
  key_ = Linear::create(parameters, self_ + ".key", width, width);
  value_ = Linear::create(parameters, self_ + ".value", width, width);
  attention_output_ = Linear::create(parameters, name_ + ".attention.output.dense", width, width);
  attention_dropout_ = {name_ + ".attention.output.dropout", first_site};
  attention_norm_ = LayerNorm::create(parameters, name_ + ".attention.output.LayerNorm", width,
                                      layer_norm_epsilon);
  intermediate_ = Linear::create(parameters, name_ + ".intermediate.dense", width, 4 * width);
  act_ = {name_ + ".intermediate.intermediate_act_fn", Gelu::Form::kExact};
  output_ = Linear::create(parameters, name_ + ".output.dense", 4 * width, width);
  output_dropout_ = {name_ + ".output.dropout", first_site + 1};
  output_norm_ =
      LayerNorm::create(parameters, name_ + ".output.LayerNorm", width, layer_norm_epsilon);
}

Value RobertaLayer::forward(const Value& x, const ops::AttentionMask& mask,
                            const ForwardContext& context) const {
  Tape& tape = context.tape;
  const Tape::InLayer in_layer(tape, layer_);
  const ModuleScope layer(context, name_);
  const ForwardContext& in = layer.context();
  const Value input = layer.enter(x);
  const Value attended = attention_norm_(ops::add(tape, attention(input, mask, in), input), in);
  return layer.leave(output_norm_(ops::add(tape, feed_forward(attended, in), attended), in),
                     CastOp::kLayerNorm, x.scalar_type());
}

Value RobertaLayer::attention(const Value& x, const ops::AttentionMask& mask,
                              const ForwardContext& context) const {
  return attention_dropout_(attention_output_(self_attention(x, mask, context), context), context);
}

Value RobertaLayer::self_attention(const Value& x, const ops::AttentionMask& mask,
                                   const ForwardContext& context) const {
  Tape& tape = context.tape;
  const ModuleScope self(context, self_);
  const ForwardContext& in = self.context();
  const Value input = self.enter(x);
  // One after another, as in Transformers: their gradients are added in the reverse of this order.
  const Value query = ops::split_heads(tape, query_(input, in), heads_);  // [B, H, T, C/H]
  const Value key = ops::split_heads(tape, key_(input, in), heads_);
  const Value value = ops::split_heads(tape, value_(input, in), heads_);
  const Value heads = ops::attention(tape, query, key, value, mask);
  return self.leave(ops::merge_heads(tape, heads), CastOp::kMatmul, x.scalar_type());
}

Value RobertaLayer::feed_forward(const Value& x, const ForwardContext& context) const {
  const Value hidden = act_(intermediate_(x, context), context);  // [B, T, 4 C]
  return output_dropout_(output_(hidden, context), context);
}

Roberta::Roberta(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon)
    : attention_(shape.attention),
      word_(Embedding::create(parameters, "roberta.embeddings.word_embeddings", shape.vocab,
                              shape.width, kRobertaPadding)),
      position_(Embedding::create(parameters, "roberta.embeddings.position_embeddings",
                                  shape.positions, shape.width, kRobertaPadding)),
      token_type_(Embedding::create(parameters, "roberta.embeddings.token_type_embeddings", 1,
                                    shape.width)),
      embedding_norm_(LayerNorm::create(parameters, "roberta.embeddings.LayerNorm", shape.width,
                                        layer_norm_epsilon)),
      embedding_dropout_{"roberta.embeddings.dropout", 0} {
  layer_.reserve(static_cast<std::size_t>(shape.layers));
  for (std::int64_t layer = 0; layer < shape.layers; ++layer)
    layer_.emplace_back(parameters, shape, layer_norm_epsilon, layer);
}

at::Tensor Roberta::position_ids(const at::Tensor& input_ids) {
  const at::Tensor real = input_ids.ne(kRobertaPadding).to(at::kLong);
  return real.cumsum(1) * real + kRobertaPadding;
}

Value Roberta::forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                       const ForwardContext& context) const {
  const ModuleScope roberta(context, "roberta");
  const ForwardContext& in = roberta.context();
  const ops::AttentionMask mask = ops::make_mask(attention_, /*causal=*/false, input_ids.size(1),
                                                 attention_mask, input_ids.device());
  Value x = embeddings(input_ids, in);
  for (const RobertaLayer& layer : layer_)
    x = layer.forward(x, mask, in);
  return roberta.leave(x, CastOp::kLayerNorm, word_.weight->value.scalar_type());
}

Value Roberta::embeddings(const at::Tensor& input_ids, const ForwardContext& context) const {
  const ModuleScope embeddings(context, "roberta.embeddings");
  const ForwardContext& in = embeddings.context();
  const at::Tensor only_type = at::zeros({1, 1}, input_ids.options());
  const Value words = word_(input_ids, in);  // [B, T, C]
  Value x = ops::add(context.tape, words, token_type_(only_type, in));
  x = ops::add(context.tape, x, position_(position_ids(input_ids), in));
  return embeddings.leave(embedding_dropout_(embedding_norm_(x, in), in), CastOp::kLayerNorm,
                          word_.weight->value.scalar_type());
}

// The pooler, which neither head uses, and a buffer.
static bool is_unused(std::string_view name) {
  return name.starts_with("pooler.dense.") || name == "embeddings.position_ids";
}

// Checkpoints that were converted from TensorFlow, or by the first versions of Transformers, name a
// norm's weights as TensorFlow does.
static WeightNames weight_names() {
  return {
      .body = "roberta.",
      .heads = {"lm_head.", "classifier."},
      .ties = {{"lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight"},
               {"lm_head.decoder.bias", "lm_head.bias"}},
      .endings = {{"LayerNorm.gamma", "LayerNorm.weight"}, {"LayerNorm.beta", "LayerNorm.bias"}},
      .unused = is_unused};
}

ModelBuilder roberta_builder() {
  ModelBuilder builder{.family = "roberta", .weights = weight_names()};
  builder.transformer = [](ParameterSet& parameters, const ModelShape& shape,
                           double epsilon) -> std::unique_ptr<Transformer> {
    return std::make_unique<Roberta>(parameters, shape, epsilon);
  };
  builder.language_model_head =
      [](ParameterSet& parameters, const ModelShape& shape, double epsilon,
         const Parameter& word_embeddings) -> std::unique_ptr<LanguageModelHead> {
    return std::make_unique<RobertaLanguageModelHead>(parameters, shape, epsilon, word_embeddings);
  };
  builder.classification_head = [](ParameterSet& parameters,
                                   const ModelShape& shape) -> std::unique_ptr<ClassificationHead> {
    return std::make_unique<FirstTokenClassifier>(parameters, shape, dropout_sites(shape));
  };
  return builder;
}

}  // namespace dtbench
