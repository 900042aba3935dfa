// RoBERTa (Liu et al. 2019), as Transformers' RobertaForMaskedLM and
// RobertaForSequenceClassification.
#include "config/built_in_families.h"
#include "config/model_shape.h"

namespace dtbench {
namespace {

constexpr std::int64_t kPaddingId = 1;

std::int64_t tables(const ModelShape& shape) {
  return (shape.vocab + shape.positions + 1) * shape.width;  // and one token type
}

// Of q, k, v and the output of attention 4 C^2, of the MLP's two layers 8 C^2.
std::int64_t matmul_weights(const ModelShape& shape) {
  return 12 * shape.width * shape.width;
}

// Biases 3C + C + 4C + C and two LayerNorms of 2C a layer, and a LayerNorm before the first.
std::int64_t trunk_parameters(const ModelShape& shape) {
  const std::int64_t c = shape.width;
  return shape.layers * (matmul_weights(shape) + 13 * c) + 2 * c;
}

// A dense layer; then a LayerNorm and the decoder's bias, or the output layer.
std::int64_t head_parameters(const ModelShape& shape) {
  const std::int64_t c = shape.width, dense = c * c + c;
  return is_language_model(shape.objective) ? dense + 2 * c + shape.vocab
                                            : dense + c * shape.labels + shape.labels;
}

std::int64_t head_matmul_weights(const ModelShape& shape) {
  const std::int64_t c = shape.width;
  return c * c + c * (is_language_model(shape.objective) ? shape.vocab : shape.labels);
}

std::int64_t mlp_width(const ModelShape& shape) {
  return 4 * shape.width;
}

// As GPT-2's; but under mixed precision q, k and v each cast their common input.
KeptByLayer kept_by_layer(const ModelShape& shape, bool mixed) {
  return {(mixed ? 16 : 14) * shape.width, 2 * shape.width};
}

std::int64_t mask_bytes(const ModelShape& /*shape*/, std::int64_t /*samples*/,
                        std::int64_t /*length*/) {
  return 0;
}

}  // namespace

ModelFamily describe_roberta() {
  ModelFamily family;
  family.name = "roberta";
  family.title = "RoBERTa";
  family.causal = false;
  family.first_position = kPaddingId + 1;
  family.padding_id = kPaddingId;
  family.tokens = {{"<s>", "<pad>", "</s>", "<unk>", "<mask>"},
                   "<s>",
                   "</s>",
                   "<pad>",
                   "<mask>",
                   "Use RoBERTa's vocab.json."};
  family.published = {"hf://FacebookAI/roberta-base/model.safetensors",
                      "hf://FacebookAI/roberta-base/tokenizer.json", 50265};
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
