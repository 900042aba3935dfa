// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"), as
// Transformers computes it. B: samples, T: tokens, C: width, H: heads, V: vocabulary.
#pragma once

#include <string>
#include <vector>

#include "config/model_shape.h"
#include "engine/model/model_builder.h"
#include "engine/ops/attention.h"

namespace dtbench {

class Gpt2Block {
 public:
  Gpt2Block(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon,
            std::int64_t layer);

  // x [B, T, C] -> [B, T, C]; `mask` as in ops/attention.h.
  Value forward(const Value& x, const ops::AttentionMask& mask,
                const ForwardContext& context) const;

 private:
  Value attention(const Value& x, const ops::AttentionMask& mask,
                  const ForwardContext& context) const;
  Value mlp(const Value& x, const ForwardContext& context) const;

  std::string name_;
  std::int64_t layer_, heads_;
  LayerNorm ln_1_;
  std::string attn_, mlp_;
  Conv1d c_attn_, c_proj_;
  Dropout resid_dropout_;
  LayerNorm ln_2_;
  Conv1d c_fc_;
  Gelu act_;
  Conv1d mlp_c_proj_;
  Dropout mlp_dropout_;
};

class Gpt2 : public Transformer {
 public:
  Gpt2(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon);

  Value forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                const ForwardContext& context) const override;
  const Parameter& word_embeddings() const override { return *wte_.weight; }

 private:
  AttentionForm attention_;
  Embedding wte_, wpe_;
  Dropout drop_;
  std::vector<Gpt2Block> h_;
  LayerNorm ln_f_;
};

ModelBuilder gpt2_builder();

}  // namespace dtbench
