#include "cli/health_option.h"

namespace dtbench {

void add_health_option(CLI::App& command, HealthLevel& level) {
  command
      .add_option_function<std::string>(
          "--health",
          [&level](const std::string& name) { level = enum_from<HealthLevel>(name).value(); },
          "how closely records look at the run's numbers, by layer and class of tensor: off, light "
          "(a step now and then; default) or full (every step, with exponents)")
      ->check(CLI::IsMember({"off", "light", "full"}));
}

}  // namespace dtbench
