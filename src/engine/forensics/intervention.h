// One change to a cell, and which mechanisms it removes.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/run_spec.h"
#include "engine/forensics/mechanism.h"
#include "engine/forensics/module_places.h"
#include "engine/forensics/node_watch.h"

namespace dtbench {

// A change that may mean something for a cell: as below, but what it does to a spec. False:
// nothing.
struct Candidate {
  std::string id, change;
  std::vector<Mechanism> removes, weakens;
  std::function<bool(RunSpec&)> apply;
};

struct Intervention {
  std::string id;      // "states_fp32"
  std::string change;  // "optimizer states in fp32"
  std::vector<Mechanism> removes;
  // It makes them smaller without removing them, or changes everything: its survival says nothing
  // for or against.
  std::vector<Mechanism> weakens;
  RunSpec spec;  // the cell with the change
};

// What survival under an intervention says about a mechanism.
enum class Role {
  kRemedy,   // it removes the mechanism: the cell must survive
  kControl,  // it leaves the mechanism alone: the cell must die
  kBlunt,    // neither
};
constexpr auto names_of(Role) {
  return std::array{EnumName{Role::kRemedy, "remedy"}, EnumName{Role::kControl, "control"},
                    EnumName{Role::kBlunt, "blunt"}};
}
Role role_of(const Intervention& intervention, Mechanism mechanism);

// Those that mean something for the cell and for where its death began, the smallest change first;
// the blunt ones last. Each spec holds one change and passes validation.
std::vector<Intervention> interventions(const RunSpec& spec, const ModulePlaces& places,
                                        const std::optional<Origin>& origin);

}  // namespace dtbench
