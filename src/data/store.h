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
#include <memory>
#include <span>

#include "config/run_spec.h"
#include "data/store_meta.h"

namespace dtbench {

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
