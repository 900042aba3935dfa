#include "engine/model/gpt2.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/text.h"
#include "engine/model/module_scope.h"
#include "engine/ops/attention.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/rearrange.h"

namespace dtbench {

Gpt2Block::Gpt2Block(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon,
                     std::int64_t layer)
    : name_(concat("transformer.h.", layer)), layer_(layer), heads_(shape.heads) {
  const ParameterSet::InLayer in_layer(parameters, layer);
  const std::int64_t width = shape.width;
  // Two residual additions a layer: their projections start smaller (Radford et al. 2019, 2.3).
  const double residual = kInitializerRange / std::sqrt(2.0 * static_cast<double>(shape.layers));
  const auto first_site = static_cast<std::uint32_t>(1 + 2 * layer);
  attn_ = name_ + ".attn";
  mlp_ = name_ + ".mlp";
  ln_1_ = LayerNorm::create(parameters, name_ + ".ln_1", width, layer_norm_epsilon);
  c_attn_ = Conv1d::create(parameters, attn_ + ".c_attn", width, 3 * width);
  c_proj_ = Conv1d::create(parameters, attn_ + ".c_proj", width, width, residual);
  resid_dropout_ = {attn_ + ".resid_dropout", first_site};
  ln_2_ = LayerNorm::create(parameters, name_ + ".ln_2", width, layer_norm_epsilon);
  c_fc_ = Conv1d::create(parameters, name_ + ".mlp.c_fc", width, 4 * width);
  act_ = {name_ + ".mlp.act", Gelu::Form::kTanh};
  mlp_c_proj_ = Conv1d::create(parameters, name_ + ".mlp.c_proj", 4 * width, width, residual);
  mlp_dropout_ = {name_ + ".mlp.dropout", first_site + 1};
}

Value Gpt2Block::forward(const Value& x, const ops::AttentionMask& mask,
                         const ForwardContext& context) const {
  Tape& tape = context.tape;
  const Tape::InLayer in_layer(tape, layer_);
  const ModuleScope block(context, name_);
  const ForwardContext& in = block.context();
  const Value input = block.enter(x);
  const Value attended = ops::add(tape, input, attention(ln_1_(input, in), mask, in));
  return block.leave(ops::add(tape, attended, mlp(ln_2_(attended, in), in)), CastOp::kAdd,
                     x.scalar_type());
}

Value Gpt2Block::attention(const Value& x, const ops::AttentionMask& mask,
                           const ForwardContext& context) const {
  Tape& tape = context.tape;
  const ModuleScope attn(context, attn_);
  const ForwardContext& in = attn.context();
  const Values qkv = ops::split(tape, c_attn_(attn.enter(x), in), 3);  // 3 x [B, T, C]
  const Value query = ops::split_heads(tape, qkv[0], heads_);          // [B, H, T, C/H]
  const Value key = ops::split_heads(tape, qkv[1], heads_);
  const Value value = ops::split_heads(tape, qkv[2], heads_);
  const Value heads = ops::attention(tape, query, key, value, mask);
  return attn.leave(resid_dropout_(c_proj_(ops::merge_heads(tape, heads), in), in), CastOp::kMatmul,
                    x.scalar_type());
}

Value Gpt2Block::mlp(const Value& x, const ForwardContext& context) const {
  const ModuleScope mlp(context, mlp_);
  const ForwardContext& in = mlp.context();
  const Value hidden = act_(c_fc_(mlp.enter(x), in), in);  // [B, T, 4 C]
  return mlp.leave(mlp_dropout_(mlp_c_proj_(hidden, in), in), CastOp::kMatmul, x.scalar_type());
}

Gpt2::Gpt2(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon)
    : attention_(shape.attention),
      wte_(Embedding::create(parameters, "transformer.wte", shape.vocab, shape.width)),
      wpe_(Embedding::create(parameters, "transformer.wpe", shape.positions, shape.width)),
      drop_{"transformer.drop", 0} {
  h_.reserve(static_cast<std::size_t>(shape.layers));
  for (std::int64_t layer = 0; layer < shape.layers; ++layer)
    h_.emplace_back(parameters, shape, layer_norm_epsilon, layer);
  ln_f_ = LayerNorm::create(parameters, "transformer.ln_f", shape.width, layer_norm_epsilon);
}

Value Gpt2::forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                    const ForwardContext& context) const {
  const ModuleScope transformer(context, "transformer");
  const ForwardContext& in = transformer.context();
  const std::int64_t tokens = input_ids.size(1);
  const at::Tensor positions = at::arange(tokens, input_ids.options()).unsqueeze(0);  // [1, T]
  const ops::AttentionMask mask =
      ops::make_mask(attention_, /*causal=*/true, tokens, attention_mask, input_ids.device());
  const Value words = wte_(input_ids, in);  // [B, T, C]
  Value x = drop_(ops::add(context.tape, words, wpe_(positions, in)), in);
  for (const Gpt2Block& block : h_)
    x = block.forward(x, mask, in);
  return transformer.leave(ln_f_(x, in), CastOp::kLayerNorm, wte_.weight->value.scalar_type());
}

// Masks of attention, which older checkpoints carry.
static bool is_unused(std::string_view name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
}

static WeightNames weight_names() {
  return {.body = "transformer.",
          .heads = {"lm_head.", "score.", "classifier."},
          .ties = {{"lm_head.weight", "transformer.wte.weight"}},
          .endings = {},
          .unused = is_unused};
}

ModelBuilder gpt2_builder() {
  ModelBuilder builder{.family = "gpt2", .weights = weight_names()};
  builder.transformer = [](ParameterSet& parameters, const ModelShape& shape,
                           double epsilon) -> std::unique_ptr<Transformer> {
    return std::make_unique<Gpt2>(parameters, shape, epsilon);
  };
  builder.language_model_head = [](ParameterSet&, const ModelShape&, double,
                                   const Parameter& word_embeddings) {
    return std::make_unique<LanguageModelHead>(Linear{"lm_head", &word_embeddings, nullptr});
  };
  builder.classification_head = [](ParameterSet& parameters,
                                   const ModelShape& shape) -> std::unique_ptr<ClassificationHead> {
    return std::make_unique<LastTokenClassifier>(parameters, shape);
  };
  return builder;
}

}  // namespace dtbench
