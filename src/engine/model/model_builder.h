// The engine's half of a model family (config/model_family.h): what builds its parts. The built-in
// families are there from the start; an extension registers its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/model/heads.h"
#include "engine/model/transformer.h"
#include "engine/model/weight_names.h"

namespace dtbench {

struct ModelBuilder {
  std::string family;  // its name in specs: "gpt2"
  // Each creates its parameters in the order of Transformers' state dict.
  std::unique_ptr<Transformer> (*transformer)(ParameterSet& parameters, const ModelShape& shape,
                                              double layer_norm_epsilon) = nullptr;
  std::unique_ptr<LanguageModelHead> (*language_model_head)(
      ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon,
      const Parameter& word_embeddings) = nullptr;
  std::unique_ptr<ClassificationHead> (*classification_head)(ParameterSet& parameters,
                                                             const ModelShape& shape) = nullptr;
  WeightNames weights = {};
};

void register_model_builder(const ModelBuilder& builder);

// Throws Error (permanent) for a family that the engine cannot build.
const ModelBuilder& model_builder(std::string_view family);

}  // namespace dtbench
