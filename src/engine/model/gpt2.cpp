#include "engine/model/gpt2.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/text.h"
#include "engine/ops/attention.h"
#include "engine/ops/layers.h"

namespace dtbench {
namespace {

constexpr double kInitializerRange = 0.02;
constexpr std::uint32_t kEmbeddingSite = 0;

LayerNormWeights create_layer_norm(ParameterSet& parameters, const std::string& name,
                                   std::int64_t width) {
  return {parameters.create(name + ".weight", {width}, kOnes, ParameterKind::kVector),
          parameters.create(name + ".bias", {width}, kZeros, ParameterKind::kVector)};
}

Conv1dWeights create_conv1d(ParameterSet& parameters, const std::string& name, std::int64_t in,
                            std::int64_t out, double deviation) {
  return {parameters.create(name + ".weight", {in, out}, {deviation}, ParameterKind::kMatrix),
          parameters.create(name + ".bias", {out}, kZeros, ParameterKind::kVector)};
}

at::Tensor normed(const at::Tensor& x, const LayerNormWeights& ln, double epsilon) {
  return ops::layer_norm(x, ln.weight, ln.bias, epsilon);
}

at::Tensor projected(const at::Tensor& x, const Conv1dWeights& projection) {
  return ops::conv1d(x, projection.weight, projection.bias);
}

}  // namespace

Gpt2Block::Gpt2Block(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon,
                     std::int64_t layer)
    : heads_(shape.heads),
      epsilon_(layer_norm_epsilon),
      first_site_(static_cast<std::uint32_t>(1 + 2 * layer)) {
  const std::int64_t width = shape.width;
  // Two residual additions a layer: their projections start smaller (Radford et al. 2019, 2.3).
  const double residual = kInitializerRange / std::sqrt(2.0 * static_cast<double>(shape.layers));
  const std::string name = concat("transformer.h.", layer);
  ln_1_ = create_layer_norm(parameters, name + ".ln_1", width);
  c_attn_ = create_conv1d(parameters, name + ".attn.c_attn", width, 3 * width, kInitializerRange);
  c_proj_ = create_conv1d(parameters, name + ".attn.c_proj", width, width, residual);
  ln_2_ = create_layer_norm(parameters, name + ".ln_2", width);
  c_fc_ = create_conv1d(parameters, name + ".mlp.c_fc", width, 4 * width, kInitializerRange);
  mlp_c_proj_ = create_conv1d(parameters, name + ".mlp.c_proj", 4 * width, width, residual);
}

at::Tensor Gpt2Block::forward(const at::Tensor& x, const at::Tensor& mask,
                              const DropoutContext& context) const {
  const at::Tensor attended = x + self_attention(normed(x, ln_1_, epsilon_), mask, context);
  return attended + mlp(normed(attended, ln_2_, epsilon_), context);
}

at::Tensor Gpt2Block::self_attention(const at::Tensor& x, const at::Tensor& mask,
                                     const DropoutContext& context) const {
  const std::int64_t batch = x.size(0), tokens = x.size(1), width = x.size(2);
  std::vector<at::Tensor> qkv = projected(x, c_attn_).split(width, 2);  // 3 x [B, T, C]
  for (at::Tensor& part : qkv)
    part = part.view({batch, tokens, heads_, width / heads_}).transpose(1, 2);  // [B, H, T, C/H]
  const at::Tensor heads = ops::attention(qkv[0], qkv[1], qkv[2], mask);        // [B, H, T, C/H]
  const at::Tensor merged = heads.transpose(1, 2).reshape({batch, tokens, width});  // [B, T, C]
  return ops::dropout(projected(merged, c_proj_), first_site_, context);
}

at::Tensor Gpt2Block::mlp(const at::Tensor& x, const DropoutContext& context) const {
  const at::Tensor hidden = ops::gelu_tanh(projected(x, c_fc_));  // [B, T, 4 C]
  return ops::dropout(projected(hidden, mlp_c_proj_), first_site_ + 1, context);
}

Gpt2::Gpt2(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon)
    : epsilon_(layer_norm_epsilon) {
  wte_ = parameters.create("transformer.wte.weight", {shape.vocab, shape.width},
                           {kInitializerRange}, ParameterKind::kEmbedding);
  wpe_ = parameters.create("transformer.wpe.weight", {shape.positions, shape.width},
                           {kInitializerRange}, ParameterKind::kEmbedding);
  for (std::int64_t layer = 0; layer < shape.layers; ++layer)
    h_.emplace_back(parameters, shape, layer_norm_epsilon, layer);
  ln_f_ = create_layer_norm(parameters, "transformer.ln_f", shape.width);
}

at::Tensor Gpt2::forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                         const DropoutContext& context) const {
  const std::int64_t tokens = input_ids.size(1);
  const at::Tensor positions = at::arange(tokens, input_ids.options()).unsqueeze(0);  // [1, T]
  const at::Tensor mask = attention_mask.defined()
                              ? ops::causal_padding_mask(attention_mask, wte_.options())
                              : ops::causal_mask(tokens, wte_.options());
  at::Tensor x = ops::embedding(wte_, input_ids) + ops::embedding(wpe_, positions);  // [B, T, C]
  x = ops::dropout(x, kEmbeddingSite, context);
  for (const Gpt2Block& block : h_)
    x = block.forward(x, mask, context);
  return normed(x, ln_f_, epsilon_);
}

}  // namespace dtbench
