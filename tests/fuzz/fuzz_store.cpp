#include <algorithm>
#include <array>

#include "base/json.h"
#include "data/store.h"
#include "data/store_check.h"
#include "data/store_summary.h"
#include "fuzz/harness.h"

namespace dtbench {
namespace {

constexpr std::array kFiles = {
    "meta.json",         "vocabulary.json",     "train.tokens",
    "train.offsets",     "train.label_offsets", "train.labels",
    "validation.tokens", "validation.offsets",  "validation.label_offsets",
    "validation.labels"};

void read_split(const TokenStore& store, Split split) {
  const std::size_t known = store.meta().labels.size();
  std::size_t tokens = 0;
  unsigned sum = 0;
  for (std::int64_t d = 0; d < store.documents(split); ++d) {
    const auto document = store.document(split, d);
    tokens += document.size();
    for (const std::uint16_t token : document)
      sum += token;
    for (const std::int32_t label : store.labels(split, d))
      require(label >= 0 && static_cast<std::size_t>(label) < known, "labels are indices");
  }
  require(tokens == store.tokens(split).size() && sum <= 65535 * tokens,
          "documents are the whole stream");
}

}  // namespace

// The files of a store, in the order above.
void fuzz_store(std::string_view bytes) {
  const auto parts = parts_of(bytes, kFiles.size());
  for (std::size_t i = 0; i < kFiles.size(); ++i)
    scratch_file("store", kFiles.at(i), parts[i]);
  const std::filesystem::path folder = scratch_folder("store");
  json_text(store_summary(folder, false));
  require(find_fault(folder).has_value(), "a store has its fingerprint for a name");
  const TokenStore store(folder);
  read_split(store, Split::kTrain);
  read_split(store, Split::kValidation);
  json_text(store_details(folder));
}

}  // namespace dtbench
