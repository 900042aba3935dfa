#include "cli/health_option.h"

namespace dtbench {

void add_health_option(CLI::App& command, HealthLevel& level) {
  command
      .add_option_function<std::string>(
          "--health",
          [&level](const std::string& name) { level = enum_from<HealthLevel>(name).value(); },
          "record the run's numeric health by layer and class of tensors: off (default), light "
          "(a step in 128 and early ones) or full (up to 256 steps, with exponents)")
      ->check(CLI::IsMember(all_names<HealthLevel>()));
}

}  // namespace dtbench
