// The tokenized store: what data preparation writes and the engine maps. A directory:
//   meta.json            StoreMeta
//   <split>.tokens       uint16 little-endian token ids of all documents, one after another
//   <split>.offsets      uint64, documents + 1: document d is tokens[offsets[d] .. offsets[d+1])
//   vocabulary.json      the tokens by id, as the tokenizer spells them: what decoding needs
//   <split>.label_offsets, <split>.labels   uint64 and int32: the label indices of each document
// for the splits "train" and "validation". One store serves single-label and multi-label views.
// Documents hold the special tokens of the architecture they are for (data/token_scheme.h); in a
// language model's store these tell documents apart, so that blocks of any length are slices of the
// token stream.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/run_spec.h"

namespace dtbench {

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
  Json counts;  // documents, tokens, dropped (no labels, empty), per split
  // Validation losses of constant answers in nats, so that a model's loss has a scale: for LM the
  // unigram loss per token that can be a target, for classification the training-prior loss of each
  // view.
  double unigram_loss = 0;
  double single_label_prior_loss = 0;
  double single_label_majority_accuracy = 0;
  double multi_label_prior_loss = 0;
};

class TokenStore {
 public:
  // Throws Error (usage) when a file is missing, truncated or does not fit its meta.json.
  explicit TokenStore(const std::filesystem::path& directory);
  ~TokenStore();
  TokenStore(TokenStore&&) noexcept;

  const StoreMeta& meta() const;
  std::span<const std::uint16_t> tokens(Split split) const;  // the whole stream
  std::int64_t documents(Split split) const;
  std::span<const std::uint16_t> document(Split split, std::int64_t index) const;
  // Ascending label indices of a document; the first is the single-label target.
  std::span<const std::int32_t> labels(Split split, std::int64_t index) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Finds or writes the store for a spec under `cache` (stores/<fingerprint>/), with progress on
// standard error, and returns its directory. Several processes may do this at once.
// Throws Error (usage) for missing or malformed input, naming file and line.
std::filesystem::path prepare_store(const RunSpec& spec, const std::filesystem::path& cache,
                                    const std::filesystem::path& configs);

}  // namespace dtbench
