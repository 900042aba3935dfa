// What a tokenized store (data/store.h) says of itself in meta.json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

// Raised whenever the same input gives other bytes or another layout; a part of the fingerprint.
inline constexpr int kStoreVersion = 3;

enum class Split { kTrain, kValidation };
const char* to_string(Split split);  // "train", "validation"

struct StoreMeta {
  std::string name;  // for people: "synthetic", or the file's name
  bool synthetic = false;
  std::string fingerprint;  // SHA-256 of source, tokenizer and settings: the store's key
  std::int64_t vocab_size = 0;
  std::string token_scheme;                     // the architecture whose special tokens it has
  std::int64_t pad_token_id = 0;                // pads right; RoBERTa's padding_idx
  std::optional<std::int64_t> mask_token_id;    // RoBERTa's <mask>
  std::vector<std::int64_t> special_token_ids;  // ascending; never masked
  std::vector<std::string> labels;  // by descending frequency in training, ties by id; empty for LM
  bool labels_checked = true;  // for another form than ids (data/label_form.h); not in old ones
  std::map<std::string, std::string> files;  // SHA-256 by file name
  // SHA-256 over `files`: of what training reads, where `fingerprint` is of what was asked for.
  // They say different things where a source was read by ranges, which have no hash (docs/hub.md).
  std::string content_fingerprint() const;
  std::vector<std::string> notes;  // what was said when it was made: guesses, repairs, dropped ones
  Json counts;                     // documents, tokens, dropped (no labels, empty), per split
  // Validation losses of constant answers in nats, so that a model's loss has a scale: for LM the
  // unigram loss per token that can be a target, for classification the training-prior loss of each
  // view.
  double unigram_loss = 0;
  double single_label_prior_loss = 0;
  double single_label_majority_accuracy = 0;
  double multi_label_prior_loss = 0;
};

// With "checksum", the SHA-256 of the rest's canonical text, which only verifying looks at.
Json to_json(const StoreMeta& meta);
std::string meta_checksum(Json json);
// Throws Error (usage) naming `origin` and the field that is missing or of the wrong type.
StoreMeta store_meta_from_json(const Json& json, const std::string& origin);

}  // namespace dtbench
