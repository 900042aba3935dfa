#include "sweep/cell_shape.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "config/hub_address.h"
#include "data/byte_level_bpe.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

// None where only what is fetched for a run would tell.
std::optional<std::int64_t> vocabulary_size(const RunSpec& spec, const fs::path& configs) {
  const DataSpec& data = spec.data;
  const auto& published = spec.model.architecture->published;
  if (published && data.tokenizer == published->tokenizer) return published->vocab_size;
  if (is_hub_address(data.tokenizer)) return std::nullopt;
  const fs::path shipped = configs / "tokenizers" / "synthetic";
  TokenizerFiles files{data.vocab, data.merges, data.tokenizer};
  if (data.tokenizer.empty() && data.vocab.empty())
    files = {shipped / "vocab.json", shipped / "merges.txt", ""};
  require_files(files);
  if (!files.tokenizer_json.empty()) return ByteLevelBpe::open(files).vocab_size();
  return static_cast<std::int64_t>(read_json_file(files.vocab).size());
}

}  // namespace

ShapeBeforeData shape_before_data(const RunSpec& spec, const fs::path& configs) {
  if (!is_language_model(spec.objective) && spec.data.source != "synthetic")
    return {std::nullopt,
            "the data determines the number of labels, and a dry run prepares no data"};
  const auto vocabulary = vocabulary_size(spec, configs);
  if (!vocabulary)
    return {std::nullopt, "the tokenizer is on the Hub, and a dry run downloads nothing"};
  return {model_shape(spec, *vocabulary, spec.data.synthetic_labels), ""};
}

}  // namespace dtbench
