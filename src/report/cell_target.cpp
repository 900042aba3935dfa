#include "report/cell_target.h"

#include "config/study_policies.h"
#include "report/matrix_json.h"

namespace dtbench {

Json cell_target(const Json& setting, const ReportCell& cell) {
  if (setting.is_null() || !cell.counts || cell.unpaired) return nullptr;
  const Json* owner = cell.policy() == kReferencePolicy
                          ? &setting.at("reference")
                          : trials_of(setting, cell.member("/policy"));
  if (owner == nullptr) return nullptr;
  for (Json seed : owner->at("to_target").at("by_seed"))
    if (seed.at("seed") == cell.member("/seed")) {
      seed.erase("seed");
      return seed;
    }
  return nullptr;
}

}  // namespace dtbench
