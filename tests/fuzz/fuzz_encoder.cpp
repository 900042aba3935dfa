#include <cstdlib>

#include "base/utf8.h"
#include "data/byte_level_bpe.h"
#include "fuzz/encoding.h"
#include "fuzz/harness.h"
#include "source_folder.h"

namespace dtbench {

// A text by the shipped tokenizer; the encoder remembers pieces of those before it.
void fuzz_encoder(std::string_view bytes) {
  static const std::filesystem::path folder = source_configs() / "tokenizers/synthetic";
  static const ByteLevelBpe bpe(folder / "vocab.json", folder / "merges.txt");
  static BpeEncoder encoder(bpe);
  std::vector<std::uint16_t> ids;
  encoder.encode(bytes, ids);
  require(bpe.decode(ids) == repair_utf8(bytes), "remembered ids spell their text");
  require_round_trip(bpe, bytes);
}

}  // namespace dtbench
