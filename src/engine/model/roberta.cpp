#include "engine/model/roberta.h"

#include <ATen/ATen.h>

#include "base/text.h"
#include "engine/ops/attention.h"

namespace dtbench {
namespace {

constexpr std::uint32_t kEmbeddingSite = 0;

}  // namespace

RobertaLayer::RobertaLayer(ParameterSet& parameters, const ModelShape& shape,
                           double layer_norm_epsilon, std::int64_t layer)
    : heads_(shape.heads), first_site_(static_cast<std::uint32_t>(1 + 2 * layer)) {
  const std::int64_t width = shape.width;
  const std::string name = concat("roberta.encoder.layer.", layer);
  query_ = Linear::create(parameters, name + ".attention.self.query", width, width);
  key_ = Linear::create(parameters, name + ".attention.self.key", width, width);
  value_ = Linear::create(parameters, name + ".attention.self.value", width, width);
  attention_output_ = Linear::create(parameters, name + ".attention.output.dense", width, width);
  attention_norm_ = LayerNorm::create(parameters, name + ".attention.output.LayerNorm", width,
                                      layer_norm_epsilon);
  intermediate_ = Linear::create(parameters, name + ".intermediate.dense", width, 4 * width);
  act_ = {name + ".intermediate.intermediate_act_fn", Gelu::Form::kExact};
  output_ = Linear::create(parameters, name + ".output.dense", 4 * width, width);
  output_norm_ =
      LayerNorm::create(parameters, name + ".output.LayerNorm", width, layer_norm_epsilon);
}

at::Tensor RobertaLayer::forward(const at::Tensor& x, const at::Tensor& forbidden,
                                 const ForwardContext& context) const {
  const at::Tensor attended = attention_norm_(attention(x, forbidden, context) + x, context);
  return output_norm_(feed_forward(attended, context) + attended, context);
}

at::Tensor RobertaLayer::attention(const at::Tensor& x, const at::Tensor& forbidden,
                                   const ForwardContext& context) const {
  // One after another, as in Transformers: their gradients are added in the reverse of this order.
  const at::Tensor query = split_heads(query_(x, context), heads_);
  const at::Tensor key = split_heads(key_(x, context), heads_);
  const at::Tensor value = split_heads(value_(x, context), heads_);
  const at::Tensor heads = ops::attention(query, key, value, forbidden);  // [B, H, T, C/H]
  return dropped(attention_output_(merge_heads(heads), context), first_site_, context);
}

at::Tensor RobertaLayer::feed_forward(const at::Tensor& x, const ForwardContext& context) const {
  const at::Tensor hidden = act_(intermediate_(x, context), context);  // [B, T, 4 C]
  return dropped(output_(hidden, context), first_site_ + 1, context);
}

Roberta::Roberta(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon)
    : word_(Embedding::create(parameters, "roberta.embeddings.word_embeddings", shape.vocab,
                              shape.width, kRobertaPadding)),
      position_(Embedding::create(parameters, "roberta.embeddings.position_embeddings",
                                  shape.positions, shape.width, kRobertaPadding)),
      token_type_(Embedding::create(parameters, "roberta.embeddings.token_type_embeddings", 1,
                                    shape.width)),
      embedding_norm_(LayerNorm::create(parameters, "roberta.embeddings.LayerNorm", shape.width,
                                        layer_norm_epsilon)) {
  for (std::int64_t layer = 0; layer < shape.layers; ++layer)
    layer_.emplace_back(parameters, shape, layer_norm_epsilon, layer);
}

at::Tensor Roberta::position_ids(const at::Tensor& input_ids) {
  const at::Tensor real = input_ids.ne(kRobertaPadding).to(at::kLong);
  return real.cumsum(1) * real + kRobertaPadding;
}

at::Tensor Roberta::forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                            const ForwardContext& context) const {
  const at::Tensor forbidden = ops::padding_forbidden(attention_mask);
  at::Tensor x = embeddings(input_ids, context);
  for (const RobertaLayer& layer : layer_)
    x = layer.forward(x, forbidden, context);
  return x;
}

at::Tensor Roberta::embeddings(const at::Tensor& input_ids, const ForwardContext& context) const {
  const at::Tensor only_type = at::zeros({1, 1}, input_ids.options());
  at::Tensor x = word_(input_ids, context) + token_type_(only_type, context);  // [B, T, C]
  x = x + position_(position_ids(input_ids), context);
  return dropped(embedding_norm_(x, context), kEmbeddingSite, context);
}

}  // namespace dtbench
