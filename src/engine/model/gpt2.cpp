#include "engine/model/gpt2.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/text.h"
#include "engine/ops/attention.h"

namespace dtbench {
namespace {

constexpr std::uint32_t kEmbeddingSite = 0;

}  // namespace

Gpt2Block::Gpt2Block(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon,
                     std::int64_t layer)
    : heads_(shape.heads), first_site_(static_cast<std::uint32_t>(1 + 2 * layer)) {
  const std::int64_t width = shape.width;
  // Two residual additions a layer: their projections start smaller (Radford et al. 2019, 2.3).
  const double residual = kInitializerRange / std::sqrt(2.0 * static_cast<double>(shape.layers));
  const std::string name = concat("transformer.h.", layer);
  ln_1_ = LayerNorm::create(parameters, name + ".ln_1", width, layer_norm_epsilon);
  c_attn_ = Conv1d::create(parameters, name + ".attn.c_attn", width, 3 * width);
  c_proj_ = Conv1d::create(parameters, name + ".attn.c_proj", width, width, residual);
  ln_2_ = LayerNorm::create(parameters, name + ".ln_2", width, layer_norm_epsilon);
  c_fc_ = Conv1d::create(parameters, name + ".mlp.c_fc", width, 4 * width);
  act_ = {name + ".mlp.act", Gelu::Form::kTanh};
  mlp_c_proj_ = Conv1d::create(parameters, name + ".mlp.c_proj", 4 * width, width, residual);
}

at::Tensor Gpt2Block::forward(const at::Tensor& x, const at::Tensor& forbidden,
                              const ForwardContext& context) const {
  const at::Tensor attended = x + attention(ln_1_(x, context), forbidden, context);
  return attended + mlp(ln_2_(attended, context), context);
}

at::Tensor Gpt2Block::attention(const at::Tensor& x, const at::Tensor& forbidden,
                                const ForwardContext& context) const {
  const auto qkv = c_attn_(x, context).split(x.size(2), 2);  // 3 x [B, T, C]
  const at::Tensor heads =
      ops::attention(split_heads(qkv[0], heads_), split_heads(qkv[1], heads_),
                     split_heads(qkv[2], heads_), forbidden);  // [B, H, T, C/H]
  return dropped(c_proj_(merge_heads(heads), context), first_site_, context);
}

at::Tensor Gpt2Block::mlp(const at::Tensor& x, const ForwardContext& context) const {
  const at::Tensor hidden = act_(c_fc_(x, context), context);  // [B, T, 4 C]
  return dropped(mlp_c_proj_(hidden, context), first_site_ + 1, context);
}

Gpt2::Gpt2(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon)
    : wte_(Embedding::create(parameters, "transformer.wte", shape.vocab, shape.width)),
      wpe_(Embedding::create(parameters, "transformer.wpe", shape.positions, shape.width)) {
  for (std::int64_t layer = 0; layer < shape.layers; ++layer)
    h_.emplace_back(parameters, shape, layer_norm_epsilon, layer);
  ln_f_ = LayerNorm::create(parameters, "transformer.ln_f", shape.width, layer_norm_epsilon);
}

at::Tensor Gpt2::forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                         const ForwardContext& context) const {
  const std::int64_t tokens = input_ids.size(1);
  const at::Tensor positions = at::arange(tokens, input_ids.options()).unsqueeze(0);  // [1, T]
  const at::Tensor forbidden = ops::causal_forbidden(tokens, attention_mask, input_ids.device());
  at::Tensor x = wte_(input_ids, context) + wpe_(positions, context);  // [B, T, C]
  x = dropped(x, kEmbeddingSite, context);
  for (const Gpt2Block& block : h_)
    x = block.forward(x, forbidden, context);
  return ln_f_(x, context);
}

}  // namespace dtbench
