// The tokenizer's files: vocab.json and merges.txt, or Hugging Face's tokenizer.json, which holds
// both and says besides what else is done to text.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace dtbench {

// Either the first two or the last.
struct TokenizerFiles {
  std::filesystem::path vocab, merges;
  std::filesystem::path tokenizer_json;
};

// Throws Error (usage) that names the setting of the first that is not there.
void require_files(const TokenizerFiles& files);

using MergePair = std::pair<std::string, std::string>;

// What a tokenizer.json of GPT-2's kind holds. Special tokens are part of the vocabulary.
struct TokenizerJson {
  std::filesystem::path path;
  Json vocabulary;  // token: id
  std::vector<MergePair> merges;
  std::vector<std::string> special_tokens;
  Json padding_token, padding_id;  // of the member padding, null where it has none
};

// Accepts what is byte-level BPE as data/byte_level_bpe.h does it: model BPE, pre-tokenizer and
// decoder ByteLevel without a prefix space, no normalizer; a Sequence stands for its parts.
// Post-processors that put RoBERTa's marks around a text, or nothing, are left to
// data/token_scheme.h; special tokens are not looked for in text. Throws Error (usage) that names
// the member for everything else, implemented by nobody here.
TokenizerJson read_tokenizer_json(const std::filesystem::path& path);

// "a b" as merges.txt has it; none unless there is one space with something on either side.
std::optional<MergePair> split_merge(const std::string& line);

}  // namespace dtbench
