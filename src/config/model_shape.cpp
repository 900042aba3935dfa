#include "config/model_shape.h"

namespace dtbench {
ModelShape model_shape(const RunSpec& spec, std::int64_t vocab, std::int64_t labels) {
  const ModelSpec& model = spec.model;
  return {model.architecture,
          spec.objective,
          model.layers,
          model.width,
          model.heads,
          model.positions,
          vocab,
          is_language_model(spec.objective) ? 0 : spec.objective->outputs(labels),
          model.attention};
}

std::int64_t layer_matmul_weights(const ModelShape& shape) {
  return shape.architecture->layer_matmul_weights(shape);
}

std::int64_t embedding_parameters(const ModelShape& shape) {
  return shape.architecture->embedding_parameters(shape);
}

std::int64_t parameter_count(const ModelShape& shape) {
  const ModelFamily& family = shape.architecture;
  return family.embedding_parameters(shape) + family.trunk_parameters(shape) +
         family.head_parameters(shape);
}

StepFlops step_flops(const ModelShape& shape, const StepTokens& tokens) {
  const auto layers = static_cast<double>(shape.layers);
  const auto width = static_cast<double>(shape.width);
  const double seen = shape.architecture->causal ? 0.5 : 1.0;
  const double linear = static_cast<double>(tokens.real_tokens) * layers *
                        static_cast<double>(layer_matmul_weights(shape));
  // Scores and their product with the values: 2 C s^2 multiply-adds a layer and sample.
  const double attention = 2 * layers * width * tokens.sum_squared_lengths * seen;
  const std::int64_t heads = is_language_model(shape.objective) ? tokens.targets : tokens.samples;
  const double head = static_cast<double>(heads) *
                      static_cast<double>(shape.architecture->head_matmul_weights(shape));
  const double forward = 2 * (linear + attention + head);

  const auto parameters = static_cast<double>(parameter_count(shape));
  const double per_token =
      6 * parameters + 12 * layers * width * static_cast<double>(tokens.length);
  return {3 * forward, per_token * static_cast<double>(tokens.padded_tokens)};
}

StepTokens full_step(const RunSpec& spec) {
  const std::int64_t length = spec.data.length;
  const std::int64_t tokens = spec.train.batch * length;
  const std::int64_t targets = spec.objective->targets(spec.train.batch, length);
  return {tokens,           tokens, targets,
          spec.train.batch, length, static_cast<double>(tokens) * static_cast<double>(length)};
}

}  // namespace dtbench
