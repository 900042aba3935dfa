// A family of models as far as the configuration knows it: names, checks, what it costs by formula,
// the tokens around its documents. One entry is one place: nothing else asks which family it is.
// Construction and weights' names are the engine's half (engine/model).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/registry.h"

namespace dtbench {

struct ModelShape;
struct RunSpec;

// The special tokens of its pre-training, by their text in the vocabulary.
struct SpecialTokens {
  std::vector<std::string> all;
  std::string begin;      // before a document; "": nothing
  std::string end;        // after a document of a language model, and after every one with `begin`
  std::string pad;        // may be one of the others
  std::string mask;       // "": none, so no masked language model
  std::string hint = "";  // where a vocabulary is that has them
};

// What "pretrained" stands for.
struct PublishedModel {
  std::string weights, tokenizer;  // addresses (config/hub_address.h)
  std::int64_t vocab_size = 0;
};

// Elements that one layer keeps for its backward pass, of each token.
struct KeptByLayer {
  std::int64_t in_compute = 0;     // in the policy's compute datatype: operands of products
  std::int64_t in_parameters = 0;  // in the parameters': inputs of norms
};

struct ModelFamily {
  std::string name;    // in specs and stores: "gpt2"
  std::string title;   // for people: "GPT-2"
  bool causal = true;  // attention looks back only: half of its FLOPs
  // Rows of the position table before a sequence's first; model.positions counts them.
  std::int64_t first_position = 0;
  // The id that <pad> must have, where the embedding tables keep a row for it.
  std::optional<std::int64_t> padding_id;
  SpecialTokens tokens;
  std::optional<PublishedModel> published;
  void (*check)(const RunSpec& spec) = nullptr;  // throws Error (usage) for what it cannot be

  // Counts, tied weights once. All are needed.
  std::int64_t (*embedding_parameters)(const ModelShape& shape) = nullptr;  // the tables
  std::int64_t (*trunk_parameters)(const ModelShape& shape) = nullptr;      // layers and norms
  std::int64_t (*head_parameters)(const ModelShape& shape) = nullptr;  // a tied decoder is a table
  // Weights that each token is multiplied with in one layer, and each target (language models) or
  // document in the head: products only, for FLOPs.
  std::int64_t (*layer_matmul_weights)(const ModelShape& shape) = nullptr;
  std::int64_t (*head_matmul_weights)(const ModelShape& shape) = nullptr;

  // For the memory estimate. `mixed`: under mixed precision, where operands are cast.
  std::int64_t (*mlp_width)(const ModelShape& shape) = nullptr;
  KeptByLayer (*kept_by_layer)(const ModelShape& shape, bool mixed) = nullptr;
  // Bytes of attention's mask.
  std::int64_t (*mask_bytes)(const ModelShape& shape, std::int64_t samples,
                             std::int64_t length) = nullptr;
};

// To be called by an extension as it is loaded. Throws Error (usage) for an incomplete entry.
const ModelFamily& register_model_family(ModelFamily family);

Registered<ModelFamily> gpt2_family();
Registered<ModelFamily> roberta_family();

template <>
Registry<ModelFamily>& registry<ModelFamily>();

}  // namespace dtbench
