#include "data/token_scheme.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

// The ids of `names`, in their order.
std::vector<std::uint16_t> look_up(const std::vector<std::string>& names, const ByteLevelBpe& bpe,
                                   const std::string& vocab_file, const std::string& hint) {
  std::vector<std::uint16_t> ids;
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    if (const auto id = bpe.token_id(name))
      ids.push_back(*id);
    else
      missing.push_back(name);
  }
  if (!missing.empty())
    throw usage_error(concat("Vocabulary '", vocab_file, "': expected the special tokens ",
                             join(names, ", "), ", found no ", join(missing, ", "), "."),
                      hint);
  return ids;
}

}  // namespace

void TokenScheme::frame(std::vector<std::uint16_t>& tokens) const {
  if (begin) tokens.insert(tokens.begin(), *begin);
  tokens.push_back(end);
}

bool TokenScheme::frame_within(std::int64_t limit, std::vector<std::uint16_t>& tokens) const {
  const auto room = static_cast<std::size_t>(limit) - (begin ? 2 : 0);
  const bool cut = tokens.size() > room;
  if (cut) tokens.resize(room);
  if (begin) frame(tokens);
  return cut;
}

TokenScheme token_scheme(const ModelFamily& family, const ByteLevelBpe& bpe,
                         const std::string& vocab_file) {
  const SpecialTokens& tokens = family.tokens;
  TokenScheme scheme;
  scheme.name = family.name;
  scheme.special = look_up(tokens.all, bpe, vocab_file, tokens.hint);
  const auto id_of = [&](const std::string& token) {
    return look_up({token}, bpe, vocab_file, tokens.hint).front();
  };
  if (!tokens.begin.empty()) scheme.begin = id_of(tokens.begin);
  if (!tokens.mask.empty()) scheme.mask = id_of(tokens.mask);
  scheme.end = id_of(tokens.end);
  scheme.pad = id_of(tokens.pad);
  std::sort(scheme.special.begin(), scheme.special.end());
  return scheme;
}

}  // namespace dtbench
