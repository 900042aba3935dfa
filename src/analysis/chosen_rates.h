// The learning rate at which fp32_true does best, scenario by scenario: what a study's first stage
// looks for, with cells of the reference alone, before any other policy is trained.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "analysis/cells.h"

namespace dtbench {

struct ChosenRate {
  double rate = 0;
  double val_loss = 0;   // mean over the seeds
  bool trained = false;  // with every seed
};

// By scenario, of its fp32_true cells: the rate with the lowest mean validation loss, among those
// at which the most seeds trained, of those at which every seed stayed finite. A tie goes to the
// lower rate. Scenarios without such a rate are left out.
std::map<std::string, ChosenRate> chosen_rates(const std::vector<Cell>& cells);

}  // namespace dtbench
