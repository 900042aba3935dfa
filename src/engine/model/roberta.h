// RoBERTa (Liu et al. 2019, arXiv 1907.11692; a post-norm encoder, Devlin et al. 2018, arXiv
// 1810.04805), as Transformers computes it. B: samples, T: tokens, C: width, H: heads, V:
// vocabulary.
#pragma once

#include <string>
#include <vector>

#include "config/model_shape.h"
#include "engine/model/model_builder.h"
#include "engine/ops/attention.h"

namespace dtbench {

// The padding token's id, and with it the padding row of the position table, of every published
// RoBERTa: the first real token's position is 2.
inline constexpr std::int64_t kRobertaPadding = 1;

class RobertaLayer {
 public:
  RobertaLayer(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon,
               std::int64_t layer);

  // x [B, T, C] -> [B, T, C]; `mask` as in ops/attention.h.
  Value forward(const Value& x, const ops::AttentionMask& mask,
                const ForwardContext& context) const;

 private:
  Value attention(const Value& x, const ops::AttentionMask& mask,
                  const ForwardContext& context) const;
  Value self_attention(const Value& x, const ops::AttentionMask& mask,
                       const ForwardContext& context) const;
  Value feed_forward(const Value& x, const ForwardContext& context) const;

  std::string name_, self_;
  std::int64_t layer_, heads_;
  Linear query_, key_, value_, attention_output_;
  Dropout attention_dropout_;
  LayerNorm attention_norm_;
  Linear intermediate_;
  Gelu act_;
  Linear output_;
  Dropout output_dropout_;
  LayerNorm output_norm_;
};

class Roberta : public Transformer {
 public:
  Roberta(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon);

  Value forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                const ForwardContext& context) const override;

  // [B, T]: the number of real tokens up to each, counted from the padding row on; the padding row
  // itself where the token is padding.
  static at::Tensor position_ids(const at::Tensor& input_ids);

  const Parameter& word_embeddings() const override { return *word_.weight; }

 private:
  Value embeddings(const at::Tensor& input_ids, const ForwardContext& context) const;

  AttentionForm attention_;
  Embedding word_, position_, token_type_;
  LayerNorm embedding_norm_;
  Dropout embedding_dropout_;
  std::vector<RobertaLayer> layer_;
};

ModelBuilder roberta_builder();

}  // namespace dtbench
