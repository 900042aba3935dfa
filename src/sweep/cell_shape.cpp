#include "sweep/cell_shape.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

std::int64_t vocabulary_size(const DataSpec& data, const fs::path& configs) {
  const fs::path file = data.vocab.empty() ? configs / "tokenizers" / "synthetic" / "vocab.json"
                                           : fs::path(data.vocab);
  if (!fs::is_regular_file(file))
    throw usage_error(concat("The vocabulary '", file.string(), "' is not a file."),
                      "--vocab vocab.json --merges merges.txt");
  return static_cast<std::int64_t>(read_json_file(file).size());
}

}  // namespace

std::optional<ModelShape> shape_before_data(const RunSpec& spec, const fs::path& configs) {
  if (!is_language_model(spec.objective) && spec.data.source != "synthetic") return std::nullopt;
  return model_shape(spec, vocabulary_size(spec.data, configs), spec.data.synthetic_labels);
}

}  // namespace dtbench
