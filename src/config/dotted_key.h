// JSON pointers as the keys that people write: "train.steps" of "/train/steps".
#pragma once

#include <algorithm>
#include <string>

namespace dtbench {

// `pointer` begins with '/'. The inverse of key_pointer (config/settings.h).
inline std::string dotted_key(const std::string& pointer) {
  std::string key = pointer.substr(1);
  std::replace(key.begin(), key.end(), '/', '.');
  return key;
}

}  // namespace dtbench
