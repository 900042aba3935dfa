// Text in YAML: in JSON's quotes it means the same there.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

inline std::string in_yaml(const std::string& text) {
  return Json(text).dump();
}

}  // namespace dtbench
