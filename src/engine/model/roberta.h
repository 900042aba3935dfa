// RoBERTa (Liu et al. 2019, arXiv 1907.11692; a post-norm encoder, Devlin et al. 2018, arXiv
// 1810.04805), as Transformers computes it. B: samples, T: tokens, C: width, V: vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "config/model_shape.h"
#include "engine/model/modules.h"

namespace dtbench {

// The padding token's id, and with it the padding row of the position table, of every published
// RoBERTa: the first real token's position is 2.
inline constexpr std::int64_t kRobertaPadding = 1;

class RobertaLayer {
 public:
  RobertaLayer(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon,
               std::int64_t layer);

  // x [B, T, C] -> [B, T, C]; `forbidden` as in ops/attention.h.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& forbidden,
                     const ForwardContext& context) const;

 private:
  at::Tensor attention(const at::Tensor& x, const at::Tensor& forbidden,
                       const ForwardContext& context) const;
  at::Tensor feed_forward(const at::Tensor& x, const ForwardContext& context) const;

  Linear query_, key_, value_, attention_output_;
  LayerNorm attention_norm_;
  Linear intermediate_;
  Gelu act_;
  Linear output_;
  LayerNorm output_norm_;
  std::int64_t heads_;
  std::uint32_t first_site_;  // dropout: attention's output, then the feed-forward's
};

class Roberta {
 public:
  Roberta(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon);

  // input_ids [B, T] int64; attention_mask [B, T] bool, or undefined when every token is real.
  // Returns the last hidden states [B, T, C].
  at::Tensor forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                     const ForwardContext& context) const;

  // [B, T]: the number of real tokens up to each, counted from the padding row on; the padding row
  // itself where the token is padding.
  static at::Tensor position_ids(const at::Tensor& input_ids);

  const at::Tensor& word_embeddings() const {
    return word_.weight;
  }  // tied to the language-model
     // head

 private:
  at::Tensor embeddings(const at::Tensor& input_ids, const ForwardContext& context) const;

  Embedding word_, position_, token_type_;
  LayerNorm embedding_norm_;
  std::vector<RobertaLayer> layer_;
};

}  // namespace dtbench
