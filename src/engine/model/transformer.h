// What every family of transformers gives to a model (model/model.h).
#pragma once

#include "engine/model/forward_context.h"
#include "engine/model/parameters.h"

namespace dtbench {

class Transformer {
 public:
  virtual ~Transformer() = default;

  // input_ids [B, T] int64; attention_mask [B, T] bool, or undefined when every token is real.
  // Returns the last hidden states, after the last norm where there is one: [B, T, C].
  virtual Value forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                        const ForwardContext& context) const = 0;

  // [V, C]; tied to the language-model head.
  virtual const Parameter& word_embeddings() const = 0;
};

}  // namespace dtbench
