// What a model family puts around a document: the special tokens of its pre-training
// (config/model_family.h) as ids, and where they stand, as Transformers' GPT2Tokenizer and
// RobertaTokenizer with run_clm and run_mlm have them.
//   gpt2     language model: tokens <|endoftext|>     classification: tokens
//   roberta  language model: <s> tokens </s>          classification: <s> tokens </s>
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/model_family.h"
#include "data/byte_level_bpe.h"

namespace dtbench {

struct TokenScheme {
  std::string name;                    // the family's: "gpt2", "roberta"
  std::optional<std::uint16_t> begin;  // <s>; GPT-2 has none
  std::uint16_t end = 0;               // </s>, <|endoftext|>
  std::uint16_t pad = 0;               // <pad>; GPT-2 pads with <|endoftext|>
  std::optional<std::uint16_t> mask;   // <mask>; GPT-2 has none
  std::vector<std::uint16_t> special;  // all of them, ascending

  // A document of a language model's stream.
  void frame(std::vector<std::uint16_t>& tokens) const;
  // A document to classify, of at most `limit` tokens with its special ones, which are never cut
  // (`limit` is at least their number). Returns whether text was cut.
  bool frame_within(std::int64_t limit, std::vector<std::uint16_t>& tokens) const;
};

// Looks the tokens up by name. Throws Error (usage) naming `vocab_file` and those that are missing.
TokenScheme token_scheme(const ModelFamily& family, const ByteLevelBpe& bpe,
                         const std::string& vocab_file);

}  // namespace dtbench
