// A third model family, in one file: a decoder as Llama is one (Touvron et al. 2023, arXiv
// 2302.13971), with RMSNorm, rotary positions and SwiGLU, no biases, and a tied word embedding.
#include "config/extension.h"
#include "config/model_family.h"
#include "config/model_shape.h"

namespace {

using dtbench::ModelShape;

std::int64_t outputs(const ModelShape& shape) {
  return dtbench::is_language_model(shape.objective) ? shape.vocab : shape.labels;
}

// Two thirds of 4 C, in multiples of 8.
std::int64_t mlp_width(const ModelShape& shape) {
  return (8 * shape.width / 3 + 7) / 8 * 8;
}

// q, k, v and the output of attention; gate, up and down of the MLP.
std::int64_t product_weights(const ModelShape& shape) {
  return 4 * shape.width * shape.width + 3 * shape.width * mlp_width(shape);
}

dtbench::ModelFamily describe() {
  dtbench::ModelFamily family;
  family.name = "llama";
  family.title = "Llama";
  family.causal = true;
  family.tokens = {{"<|endoftext|>"}, "", "<|endoftext|>",
                   "<|endoftext|>",   "", "Take GPT-2's vocab.json."};
  family.embedding_parameters = [](const ModelShape& shape) { return shape.vocab * shape.width; };
  family.layer_product_weights = product_weights;
  family.trunk_parameters = [](const ModelShape& shape) {
    return shape.layers * (product_weights(shape) + 2 * shape.width) + shape.width;
  };
  family.head_parameters = [](const ModelShape& shape) {
    return dtbench::is_language_model(shape.objective) ? 0 : shape.width * shape.labels;
  };
  family.head_product_weights = [](const ModelShape& shape) {
    return shape.width * outputs(shape);
  };
  family.mlp_width = mlp_width;
  // Attention's input, q, k, v before and after rotation, its output; the MLP's input, gate, up
  // and their product. Inputs of two norms.
  family.kept_by_layer = [](const ModelShape& shape, bool /*mixed*/) {
    return dtbench::KeptByLayer{8 * shape.width + 3 * mlp_width(shape), 2 * shape.width};
  };
  family.mask_bytes = [](const ModelShape& shape, std::int64_t samples, std::int64_t length) {
    return (dtbench::is_language_model(shape.objective) ? 1 : samples) * length * length;
  };
  return family;
}

}  // namespace

DTBENCH_EXTENSION {
  dtbench::register_model_family(describe());
}
