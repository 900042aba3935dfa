// GPT-2 (Radford et al. 2019), as Transformers' GPT2LMHeadModel and GPT2ForSequenceClassification.
#include "config/built_in_families.h"
#include "config/model_shape.h"

namespace dtbench {
namespace {

std::int64_t tables(const ModelShape& shape) {
  return (shape.vocab + shape.positions) * shape.width;
}

// Of q, k, v and the output of attention 4 C^2, of the MLP's two layers 8 C^2.
std::int64_t matmul_weights(const ModelShape& shape) {
  return 12 * shape.width * shape.width;
}

// Biases 3C + C + 4C + C and two LayerNorms of 2C a layer, and a LayerNorm after the last.
std::int64_t trunk_parameters(const ModelShape& shape) {
  const std::int64_t c = shape.width;
  return shape.layers * (matmul_weights(shape) + 13 * c) + 2 * c;
}

std::int64_t head_parameters(const ModelShape& shape) {
  return is_language_model(shape.objective) ? 0 : shape.width * shape.labels;
}

std::int64_t head_matmul_weights(const ModelShape& shape) {
  return shape.width * (is_language_model(shape.objective) ? shape.vocab : shape.labels);
}

std::int64_t mlp_width(const ModelShape& shape) {
  return 4 * shape.width;
}

// Operands of the products, q, k and v as operands of the attention; inputs of two LayerNorms.
KeptByLayer kept_by_layer(const ModelShape& shape, bool /*mixed*/) {
  return {14 * shape.width, 2 * shape.width};
}

// One mask a sample where there is padding.
std::int64_t mask_bytes(const ModelShape& shape, std::int64_t samples, std::int64_t length) {
  return (is_language_model(shape.objective) ? 1 : samples) * length * length;
}

}  // namespace

ModelFamily describe_gpt2() {
  ModelFamily family;
  family.name = "gpt2";
  family.title = "GPT-2";
  family.causal = true;
  family.tokens = {{"<|endoftext|>"}, "", "<|endoftext|>",
                   "<|endoftext|>",   "", "Use GPT-2's vocab.json."};
  family.published = {"hf://openai-community/gpt2/model.safetensors",
                      "hf://openai-community/gpt2/tokenizer.json", 50257};
  family.embedding_parameters = tables;
  family.trunk_parameters = trunk_parameters;
  family.head_parameters = head_parameters;
  family.layer_matmul_weights = matmul_weights;
  family.head_matmul_weights = head_matmul_weights;
  family.mlp_width = mlp_width;
  family.kept_by_layer = kept_by_layer;
  family.mask_bytes = mask_bytes;
  return family;
}

}  // namespace dtbench
