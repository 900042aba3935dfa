#include "data/parquet/class_labels.h"

#include <arrow/util/key_value_metadata.h>

#include "base/json.h"

namespace dtbench {
namespace {

// Versions of `datasets` write a list's feature as {"feature": F, "_type": "Sequence" or "List"} or
// as [F].
Json class_label_in(const Json& feature) {
  if (feature.is_array() && feature.size() == 1) return class_label_in(feature.front());
  if (!feature.is_object()) return Json::object();
  if (feature.value("_type", Json()) == "ClassLabel") return feature;
  return feature.contains("feature") ? class_label_in(feature.at("feature")) : Json::object();
}

// Old versions wrote {"0": name, ..., "11": name}.
Json by_index(const Json& names) {
  if (!names.is_object()) return names;
  Json list = Json::array();
  for (std::size_t i = 0; i < names.size(); ++i)
    list.push_back(names.value(std::to_string(i), Json()));
  return list;
}

}  // namespace

std::vector<std::string> class_names(const arrow::Schema& schema, const std::string& column) {
  if (!schema.metadata()) return {};
  const auto text = schema.metadata()->Get("huggingface");
  if (!text.ok()) return {};
  const Json json = parse_json_or_none(*text).value_or(Json());
  if (!json.is_object()) return {};
  const Json feature = json.value("/info/features"_json_pointer / column, Json());
  const Json names = by_index(class_label_in(feature).value("names", Json()));
  std::vector<std::string> all;
  for (const Json& name : names)
    if (name.is_string()) all.push_back(name);
  return all.size() == names.size() ? all : std::vector<std::string>();
}

}  // namespace dtbench
