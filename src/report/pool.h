// Values that many cells share, each kept once: specs and audits differ from cell to cell in
// little.
#pragma once

#include <string>
#include <unordered_map>

#include "base/json.h"

namespace dtbench {

class Pool {
 public:
  // The object with each member that is an object or a list replaced by {"pool": its index}.
  Json pooled(const Json& object) {
    if (!object.is_object()) return object;
    Json json = Json::object();
    for (const auto& [name, value] : object.items())
      json[name] = value.is_structured() ? Json{{"pool", index_of(value)}} : value;
    return json;
  }

  const Json& values() const { return values_; }

 private:
  std::size_t index_of(const Json& value) {
    const auto [place, is_new] = places_.try_emplace(json_text(value), values_.size());
    if (is_new) values_.push_back(value);
    return place->second;
  }

  std::unordered_map<std::string, std::size_t> places_;
  Json values_ = Json::array();
};

}  // namespace dtbench
