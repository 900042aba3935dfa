// What stands on a transformer: a language-model head tied to the word embeddings, or a
// classification head at one token of each sample. As Transformers computes them.
#pragma once

#include <optional>
#include <string>

#include "config/model_shape.h"
#include "engine/model/modules.h"
#include "engine/ops/loss.h"

namespace dtbench {

// GPT-2: logits = hidden E^T. RoBERTa: LayerNorm(gelu(dense(hidden))) E^T + bias.
class LanguageModelHead {
 public:
  // `word_embeddings` E [V, C].
  LanguageModelHead(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon,
                    const Parameter& word_embeddings);

  // hidden [..., C] -> [..., V]
  Value logits(const Value& hidden, const ForwardContext& context) const;

  // hidden [n, C] where targets [n] int64 are predicted. fp64 scalar, the root of its tape.
  Value loss(const Value& hidden, const at::Tensor& targets, const LossNormalizer& normalizer,
             const ForwardContext& context) const;

 private:
  Value transformed(const Value& hidden, const ForwardContext& context) const;
  bool follows_contract(const ForwardContext& context) const;

  Linear decoder_;  // shares E; bias undefined for GPT-2
  std::optional<Linear> dense_;
  Gelu act_;
  std::optional<LayerNorm> layer_norm_;
};

// GPT-2: a bias-free product at the last real token. RoBERTa: dropout, dense, tanh, dropout,
// out_proj at the first token.
class ClassificationHead {
 public:
  // `first_site`: the first dropout site that the transformer leaves free.
  ClassificationHead(ParameterSet& parameters, const ModelShape& shape, std::uint32_t first_site);

  // hidden [B, T, C]; attention_mask [B, T] bool, or undefined when all tokens are real.
  // Returns [B, labels].
  Value logits(const Value& hidden, const at::Tensor& attention_mask,
               const ForwardContext& context) const;

  // The token whose hidden state is used: [B] int64, for tokens [B, T, ...]. GPT-2: the rightmost
  // real token, 0 where there is none. RoBERTa: 0.
  at::Tensor pooled_index(const at::Tensor& tokens, const at::Tensor& attention_mask) const;

 private:
  Dropout first_dropout_, second_dropout_;
  std::optional<Linear> dense_;
  Linear output_;
};

}  // namespace dtbench
