#include "fuzz/encoding.h"

#include <string>
#include <vector>

#include "base/utf8.h"
#include "data/pretokenize.h"
#include "fuzz/harness.h"

namespace dtbench {

void require_round_trip(const ByteLevelBpe& bpe, std::string_view text) {
  const std::string repaired = repair_utf8(text);
  std::vector<std::uint16_t> ids;
  for (std::string_view rest = repaired; !rest.empty();) {
    const std::size_t length = next_piece(rest);
    require(length > 0 && length <= rest.size(), "a piece is a part of the text");
    bpe.encode_piece(rest.substr(0, length), ids);
    rest.remove_prefix(length);
  }
  require(bpe.decode(ids) == repaired, "ids spell their text");
}

}  // namespace dtbench
