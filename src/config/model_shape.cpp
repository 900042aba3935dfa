#include "config/model_shape.h"

namespace dtbench {
namespace {

// Beyond the trunk; a language model's decoder is the word embedding itself.
std::int64_t head_parameters(const ModelShape& shape) {
  const std::int64_t c = shape.width;
  const bool language_model = is_language_model(shape.objective);
  if (shape.architecture == Architecture::kGpt2) return language_model ? 0 : c * shape.labels;
  const std::int64_t dense = c * c + c;
  return language_model ? dense + 2 * c + shape.vocab : dense + c * shape.labels + shape.labels;
}

// Multiply-adds of the head in one forward pass, at `targets` tokens or for each sample.
double head_multiply_adds(const ModelShape& shape, const StepTokens& tokens) {
  const auto c = static_cast<double>(shape.width);
  const double dense = shape.architecture == Architecture::kRoberta ? c * c : 0;
  if (is_language_model(shape.objective))
    return static_cast<double>(tokens.targets) * (dense + c * static_cast<double>(shape.vocab));
  return static_cast<double>(tokens.samples) * (dense + c * static_cast<double>(shape.labels));
}

}  // namespace

ModelShape model_shape(const RunSpec& spec, std::int64_t vocab, std::int64_t labels) {
  const ModelSpec& model = spec.model;
  return {model.architecture,
          spec.objective,
          model.layers,
          model.width,
          model.heads,
          model.positions,
          vocab,
          is_language_model(spec.objective) ? 0 : labels};
}

std::int64_t layer_product_weights(const ModelShape& shape) {
  return 12 * shape.width * shape.width;  // 4 C^2 and 8 C^2
}

std::int64_t embedding_parameters(const ModelShape& shape) {
  const std::int64_t rows = shape.vocab + shape.positions;
  const bool roberta = shape.architecture == Architecture::kRoberta;
  return (rows + (roberta ? 1 : 0)) * shape.width;  // RoBERTa has one token type
}

std::int64_t parameter_count(const ModelShape& shape) {
  const std::int64_t c = shape.width;
  // Biases 3C + C + 4C + C and two LayerNorms of 2C; one more LayerNorm after (GPT-2) or before
  // (RoBERTa) the layers.
  const std::int64_t layer = layer_product_weights(shape) + 13 * c;
  return embedding_parameters(shape) + shape.layers * layer + 2 * c + head_parameters(shape);
}

StepFlops step_flops(const ModelShape& shape, const StepTokens& tokens) {
  const auto layers = static_cast<double>(shape.layers);
  const auto width = static_cast<double>(shape.width);
  const bool causal = shape.architecture == Architecture::kGpt2;
  const double linear = static_cast<double>(tokens.real_tokens) * layers *
                        static_cast<double>(layer_product_weights(shape));
  // Scores and their product with the values: 2 C s^2 multiply-adds a layer and sample.
  const double attention = 2 * layers * width * tokens.sum_squared_lengths * (causal ? 0.5 : 1.0);
  const double forward = 2 * (linear + attention + head_multiply_adds(shape, tokens));

  const auto parameters = static_cast<double>(parameter_count(shape));
  const double per_token =
      6 * parameters + 12 * layers * width * static_cast<double>(tokens.length);
  return {3 * forward, per_token * static_cast<double>(tokens.padded_tokens)};
}

StepTokens full_step(const RunSpec& spec) {
  const std::int64_t length = spec.data.length;
  const std::int64_t tokens = spec.train.batch * length;
  const std::int64_t targets = spec.objective == Objective::kMaskedLm   ? tokens * 15 / 100
                               : spec.objective == Objective::kCausalLm ? tokens - spec.train.batch
                                                                        : spec.train.batch;
  return {tokens,           tokens, targets,
          spec.train.batch, length, static_cast<double>(tokens) * static_cast<double>(length)};
}

}  // namespace dtbench
