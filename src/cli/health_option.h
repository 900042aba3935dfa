// --health, of the commands that train.
#pragma once

#include <CLI/CLI.hpp>

#include "config/health_level.h"

namespace dtbench {

void add_health_option(CLI::App& command, HealthLevel& level);

}  // namespace dtbench
