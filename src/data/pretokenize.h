// GPT-2's pre-tokenization: cuts text into the pieces that byte-pair merges never cross. The
// pattern of Radford et al. 2019, "Language models are unsupervised multitask learners":
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// as a scanner of one pass. Character classes are Unicode 16's (unicode_classes.inc), those of
// Hugging Face tokenizers 0.23.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dtbench {

enum class CharacterClass : std::uint8_t { kOther, kLetter, kNumber, kSpace };

CharacterClass character_class(char32_t character);

// The length in bytes of the first piece of `text`, which is valid UTF-8 and not empty.
std::size_t next_piece(std::string_view text);

}  // namespace dtbench
