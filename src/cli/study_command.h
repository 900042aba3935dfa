// The command line of `study`.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/study_stage.h"

namespace dtbench {

void add_study_flags(CLI::App& command, StudyOptions& options);

// After they were read: what follows from the study's name.
void complete(StudyOptions& options);

}  // namespace dtbench
