// What stands on a transformer: a language-model head tied to the word embeddings, or a
// classification head at one token of each sample. B samples, T tokens, C width, V vocabulary.
#pragma once

#include "config/model_shape.h"
#include "engine/model/modules.h"
#include "engine/ops/loss.h"

namespace dtbench {

// logits = transformed(hidden) E^T, plus the decoder's bias where it has one. As it stands,
// GPT-2's: nothing is transformed.
class LanguageModelHead {
 public:
  explicit LanguageModelHead(const Linear& decoder) : decoder_(decoder) {}
  virtual ~LanguageModelHead() = default;

  // hidden [..., C] -> [..., V]
  Value logits(const Value& hidden, const ForwardContext& context) const;

  // hidden [n, C] where targets [n] int64 are predicted. fp64 scalar, the root of its tape.
  Value loss(const Value& hidden, const at::Tensor& targets, const LossNormalizer& normalizer,
             const ForwardContext& context) const;

 protected:
  virtual Value transformed(const Value& hidden, const ForwardContext& /*context*/) const {
    return hidden;
  }
  // Whether Transformers' own loss is the contract's: its causal models cast logits to fp32.
  virtual bool transformers_loss_is_the_contracts() const { return true; }

 private:
  Linear decoder_;  // shares E
};

class ClassificationHead {
 public:
  virtual ~ClassificationHead() = default;

  // hidden [B, T, C]; attention_mask [B, T] bool, or undefined when all tokens are real.
  // Returns [B, outputs].
  virtual Value logits(const Value& hidden, const at::Tensor& attention_mask,
                       const ForwardContext& context) const = 0;

  // The token whose hidden state is used: [B] int64, for tokens [B, T, ...].
  virtual at::Tensor pooled_index(const at::Tensor& tokens,
                                  const at::Tensor& attention_mask) const = 0;

 protected:
  // The hidden states at those tokens: [B, 1, C].
  Value pooled(const Value& hidden, const at::Tensor& attention_mask,
               const ForwardContext& context) const;
};

// GPT-2's: a bias-free matmul, "score", at the rightmost real token, 0 where there is none.
class LastTokenClassifier : public ClassificationHead {
 public:
  LastTokenClassifier(ParameterSet& parameters, const ModelShape& shape);

  Value logits(const Value& hidden, const at::Tensor& attention_mask,
               const ForwardContext& context) const override;
  at::Tensor pooled_index(const at::Tensor& tokens,
                          const at::Tensor& attention_mask) const override;

 private:
  Linear score_;
};

}  // namespace dtbench
