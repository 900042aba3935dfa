#include "data/token_scheme.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

// The ids of `names`, in their order.
std::vector<std::uint16_t> look_up(const std::vector<std::string>& names, const ByteLevelBpe& bpe,
                                   const std::string& vocab_file, const char* hint) {
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

TokenScheme token_scheme(Architecture architecture, const ByteLevelBpe& bpe,
                         const std::string& vocab_file) {
  TokenScheme scheme;
  scheme.name = to_string(architecture);
  if (architecture == Architecture::kGpt2) {
    scheme.special = look_up({"<|endoftext|>"}, bpe, vocab_file, "Use GPT-2's vocab.json.");
    scheme.end = scheme.pad = scheme.special[0];
  } else {
    scheme.special = look_up({"<s>", "<pad>", "</s>", "<unk>", "<mask>"}, bpe, vocab_file,
                             "Use RoBERTa's vocab.json.");
    scheme.begin = scheme.special[0];
    scheme.pad = scheme.special[1];
    scheme.end = scheme.special[2];
    scheme.mask = scheme.special[4];
  }
  std::sort(scheme.special.begin(), scheme.special.end());
  return scheme;
}

}  // namespace dtbench
