#include "engine/model/gpt2.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/text.h"
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

Value Gpt2Block::forward(const Value& x, const at::Tensor& mask,
                         const ForwardContext& context) const {
  const Tape::InLayer in_layer(context.tape, layer_);
  const Tape::InModule in_module(context.tape, name_);
  const Value attended = ops::add(context.tape, x, attention(ln_1_(x, context), mask, context));
  return ops::add(context.tape, attended, mlp(ln_2_(attended, context), context));
}

Value Gpt2Block::attention(const Value& x, const at::Tensor& mask,
                           const ForwardContext& context) const {
  Tape& tape = context.tape;
  const Tape::InModule in_module(tape, attn_);
  const Values qkv = ops::split(tape, c_attn_(x, context), 3);  // 3 x [B, T, C]
  const Value query = ops::split_heads(tape, qkv[0], heads_);   // [B, H, T, C/H]
  const Value key = ops::split_heads(tape, qkv[1], heads_);
  const Value value = ops::split_heads(tape, qkv[2], heads_);
  const Value heads = ops::attention(tape, query, key, value, mask);
  return resid_dropout_(c_proj_(ops::merge_heads(tape, heads), context), context);
}

Value Gpt2Block::mlp(const Value& x, const ForwardContext& context) const {
  const Value hidden = act_(c_fc_(x, context), context);  // [B, T, 4 C]
  return mlp_dropout_(mlp_c_proj_(hidden, context), context);
}

Gpt2::Gpt2(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon)
    : wte_(Embedding::create(parameters, "transformer.wte", shape.vocab, shape.width)),
      wpe_(Embedding::create(parameters, "transformer.wpe", shape.positions, shape.width)),
      drop_{"transformer.drop", 0} {
  h_.reserve(static_cast<std::size_t>(shape.layers));
  for (std::int64_t layer = 0; layer < shape.layers; ++layer)
    h_.emplace_back(parameters, shape, layer_norm_epsilon, layer);
  ln_f_ = LayerNorm::create(parameters, "transformer.ln_f", shape.width, layer_norm_epsilon);
}

Value Gpt2::forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                    const ForwardContext& context) const {
  const Tape::InModule in_module(context.tape, "transformer");
  const std::int64_t tokens = input_ids.size(1);
  const at::Tensor positions = at::arange(tokens, input_ids.options()).unsqueeze(0);  // [1, T]
  const at::Tensor mask = ops::causal_mask(tokens, attention_mask, input_ids.device());
  const Value words = wte_(input_ids, context);  // [B, T, C]
  Value x = drop_(ops::add(context.tape, words, wpe_(positions, context)), context);
  for (const Gpt2Block& block : h_)
    x = block.forward(x, mask, context);
  return ln_f_(x, context);
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
