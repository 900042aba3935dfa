#include "data/byte_level_bpe.h"
#include "data/tokenizer_json.h"
#include "fuzz/encoding.h"
#include "fuzz/harness.h"

namespace dtbench {

// tokenizer.json, and a text to encode.
void fuzz_tokenizer(std::string_view bytes) {
  const auto parts = parts_of(bytes, 2);
  const ByteLevelBpe bpe(
      read_tokenizer_json(scratch_file("tokenizer", "tokenizer.json", parts[0])));
  require_round_trip(bpe, parts[1]);
}

// vocab.json, merges.txt, and a text to encode.
void fuzz_vocabulary(std::string_view bytes) {
  const auto parts = parts_of(bytes, 3);
  const auto vocabulary = scratch_file("vocabulary", "vocab.json", parts[0]);
  const ByteLevelBpe bpe(vocabulary, scratch_file("vocabulary", "merges.txt", parts[1]));
  require_round_trip(bpe, parts[2]);
}

}  // namespace dtbench
