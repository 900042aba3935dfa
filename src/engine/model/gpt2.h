// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"), as
// Transformers computes it. B: samples, T: tokens, C: width, V: vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "config/model_shape.h"
#include "engine/model/modules.h"

namespace dtbench {

class Gpt2Block {
 public:
  Gpt2Block(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon,
            std::int64_t layer);

  // x [B, T, C] -> [B, T, C]; `forbidden` as in ops/attention.h.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& forbidden,
                     const ForwardContext& context) const;

 private:
  at::Tensor attention(const at::Tensor& x, const at::Tensor& forbidden,
                       const ForwardContext& context) const;
  at::Tensor mlp(const at::Tensor& x, const ForwardContext& context) const;

  LayerNorm ln_1_;
  Conv1d c_attn_, c_proj_;
  LayerNorm ln_2_;
  Conv1d c_fc_;
  Gelu act_;
  Conv1d mlp_c_proj_;
  std::int64_t heads_;
  std::uint32_t first_site_;  // dropout: attention's output, then the MLP's
};

class Gpt2 {
 public:
  Gpt2(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon);

  // input_ids [B, T] int64; attention_mask [B, T] bool, or undefined when every token is real.
  // Returns the last hidden states after ln_f [B, T, C].
  at::Tensor forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                     const ForwardContext& context) const;

  const at::Tensor& word_embeddings() const {
    return wte_.weight;
  }  // tied to the language-model
     // head

 private:
  Embedding wte_, wpe_;
  std::vector<Gpt2Block> h_;
  LayerNorm ln_f_;
};

}  // namespace dtbench
