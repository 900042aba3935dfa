#include "config/write_policy.h"

#include "base/text.h"
#include "config/settings.h"

namespace dtbench {

std::string policy_toml(const DtypePolicy& policy) {
  const Json fields = to_json(policy);
  // JSON's texts, numbers and booleans are TOML's, too.
  std::string text = concat("description = ", Json(policy.description).dump(), "\n\n");
  for (const PolicyField& field : policy_fields())
    if (field.key != "exception")
      text += concat(field.key, " = ", fields.at(key_pointer(field.key)).dump(), "\n");
  for (const Json& exception : fields.at("exception"))
    text += concat("\n[[exception]]\nmodule = ", exception.at("module").dump(),
                   "\ncompute = ", exception.at("compute").dump(), "\n");
  return text;
}

}  // namespace dtbench
