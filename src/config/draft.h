// A run spec that is still being put together: each source of settings is laid over those before
// it, checked key by key against the spec's own fields.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/run_spec.h"
#include "config/settings.h"

namespace dtbench {

// Who speaks: scenario files define what a user's settings may only fill in.
enum class Authority { kScenario, kUser };

class Draft {
 public:
  Draft();

  // A table of settings, nested as in the spec. `origin` names the file.
  void lay_over(const Json& table, const std::string& origin, Authority authority);
  // One setting in text form.
  void lay_over(const Setting& setting);

  bool set_by_user(const std::string& key) const { return user_origins_.contains(key); }
  std::string text(const std::string& key) const;
  // For a key that the user did not set.
  void set_default(const std::string& key, const Json& value);

  // The spec with everything that follows from other fields filled in: the learning rate from
  // initial weights, positions from the length, micro-batch from the batch, warm-up from the
  // steps.
  RunSpec finish(const DtypePolicy& policy) const;

 private:
  void set(const std::string& key, const Json& value, const std::string& origin,
           Authority authority);

  Json json_;                                        // null: follows from other fields
  std::set<std::string> given_;                      // keys that anybody set
  std::map<std::string, std::string> user_origins_;  // key -> flag, variable or file
};

}  // namespace dtbench
