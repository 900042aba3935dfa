// RoBERTa's heads, as Transformers computes them.
#pragma once

#include "engine/model/heads.h"

namespace dtbench {

// logits = LayerNorm(gelu(dense(hidden))) E^T + bias.
class RobertaLanguageModelHead : public LanguageModelHead {
 public:
  // `word_embeddings` E [V, C].
  RobertaLanguageModelHead(ParameterSet& parameters, const ModelShape& shape,
                           double layer_norm_epsilon, const Parameter& word_embeddings);

 private:
  Value transformed(const Value& hidden, const ForwardContext& context) const override;
  bool transformers_loss_is_the_contracts() const override { return false; }

  Linear dense_;
  Gelu act_;
  LayerNorm layer_norm_;
};

// Dropout, dense, tanh, dropout, out_proj at the first token.
class FirstTokenClassifier : public ClassificationHead {
 public:
  // `first_site`: the first dropout site that the transformer leaves free.
  FirstTokenClassifier(ParameterSet& parameters, const ModelShape& shape, std::uint32_t first_site);

  Value logits(const Value& hidden, const at::Tensor& attention_mask,
               const ForwardContext& context) const override;
  at::Tensor pooled_index(const at::Tensor& tokens,
                          const at::Tensor& attention_mask) const override;

 private:
  Dropout first_dropout_;
  Linear dense_;
  Dropout second_dropout_;
  Linear out_proj_;
};

}  // namespace dtbench
