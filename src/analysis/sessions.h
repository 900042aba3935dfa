// Times of policies by session: what one program measured on one card without a break. A seed does
// not change a time; what differs between sessions (machine, clocks, neighbours) does, so sessions
// are the replicates of a claim about speed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analysis/evidence.h"

namespace dtbench {

// The cells of one session of one card, by scenario and policy; in the order of their seeds.
struct Session {
  std::string id;  // empty: the records do not say
  std::string began;
  std::map<std::string, std::map<std::string, std::vector<const Cell*>>> cells;
};

// By card, in the order of time. `cells`: those that count for this.
std::map<std::string, std::vector<Session>> sessions_of(const std::vector<const Cell*>& cells);

// log(samples/s of the policy over the reference's) of a scenario in a session: the difference of
// the means over repeats. None where one side is not there.
std::optional<double> log_speedup(const Session& session, const std::string& scenario,
                                  const std::string& policy);

}  // namespace dtbench
