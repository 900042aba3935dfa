// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"), as
// Transformers computes it. B: samples, T: tokens, C: width, H: heads, V: vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "config/model_shape.h"
#include "engine/model/parameters.h"
#include "engine/ops/dropout.h"

namespace dtbench {

struct LayerNormWeights {
  at::Tensor weight, bias;  // [C]
};

// Weight [in, out], as Transformers' Conv1D keeps it.
struct Conv1dWeights {
  at::Tensor weight, bias;
};

class Gpt2Block {
 public:
  Gpt2Block(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon,
            std::int64_t layer);

  at::Tensor forward(const at::Tensor& x, const at::Tensor& mask,
                     const DropoutContext& context) const;

 private:
  at::Tensor self_attention(const at::Tensor& x, const at::Tensor& mask,
                            const DropoutContext& context) const;
  at::Tensor mlp(const at::Tensor& x, const DropoutContext& context) const;

  LayerNormWeights ln_1_;
  Conv1dWeights c_attn_, c_proj_;
  LayerNormWeights ln_2_;
  Conv1dWeights c_fc_, mlp_c_proj_;
  std::int64_t heads_;
  double epsilon_;
  std::uint32_t first_site_;  // dropout: attention's output, then the MLP's
};

class Gpt2 {
 public:
  Gpt2(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon);

  // input_ids [B, T] int64; attention_mask [B, T] bool, or undefined when every token is real.
  // Returns the last hidden states after ln_f [B, T, C].
  at::Tensor forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                     const DropoutContext& context) const;

  const at::Tensor& wte() const { return wte_; }  // tied to the language-model head

 private:
  at::Tensor wte_, wpe_;  // [V, C], [positions, C]
  std::vector<Gpt2Block> h_;
  LayerNormWeights ln_f_;
  double epsilon_;
};

}  // namespace dtbench
