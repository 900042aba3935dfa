#include "config/policy_toml.h"

#include "base/text.h"
#include "config/settings.h"

namespace dtbench {

std::string policy_toml(const DtypePolicy& policy) {
  const Json fields = to_json(policy);
  // JSON's texts, numbers and booleans are TOML's, too.
  std::string text = concat("description = ", Json(policy.description).dump(), "\n\n");
  for (const PolicyField& field : policy_fields())
    text += concat(field.key, " = ", fields.at(key_pointer(field.key)).dump(), "\n");
  return text;
}

}  // namespace dtbench
