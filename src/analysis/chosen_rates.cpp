#include "analysis/chosen_rates.h"

#include <cmath>
#include <optional>
#include <tuple>

#include "analysis/json_access.h"
#include "config/study_policies.h"

namespace dtbench {
namespace {

struct AtRate {
  int seeds = 0, trained = 0, finite = 0;
  double loss = 0;

  bool usable() const { return finite == seeds; }
  double mean_loss() const { return loss / seeds; }
};

void add(AtRate& at, const Cell& cell) {
  const std::optional<double> loss = cell.measured("/convergence/val_loss");
  ++at.seeds;
  at.trained += cell.trained() ? 1 : 0;
  if (!cell.finite() || !loss || !std::isfinite(*loss)) return;
  ++at.finite;
  at.loss += *loss;
}

}  // namespace

std::map<std::string, ChosenRate> chosen_rates(const std::vector<Cell>& cells) {
  std::map<std::string, std::map<double, AtRate>> scenarios;
  for (const Cell& cell : cells)
    if (const auto rate = number_or_none(member_or_null(cell.spec, "/train/learning_rate"));
        rate && cell.policy == kReferencePolicy)
      add(scenarios[cell.scenario][*rate], cell);

  std::map<std::string, ChosenRate> chosen;
  for (const auto& [scenario, rates] : scenarios) {
    const AtRate* best = nullptr;
    for (const auto& [rate, at] : rates) {
      if (!at.usable()) continue;
      if (best != nullptr &&
          std::tuple(best->trained, -best->mean_loss()) >= std::tuple(at.trained, -at.mean_loss()))
        continue;
      best = &at;
      chosen[scenario] = {rate, at.mean_loss(), at.trained == at.seeds};
    }
  }
  return chosen;
}

}  // namespace dtbench
