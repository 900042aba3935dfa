// The subcommands of `dtbench`, one file each: every function adds its own to the program.
#pragma once

#include <CLI/CLI.hpp>

#include "base/error.h"

namespace dtbench {

// Thrown by a command that has told everything and ends with another exit code than kDone.
struct Ended {
  ExitCode code;
};

void add_analyse_command(CLI::App& program);
void add_archive_command(CLI::App& program);
void add_report_command(CLI::App& program);
void add_compare_command(CLI::App& program);
void add_demo_command(CLI::App& program);
void add_matrix_command(CLI::App& program);
void add_study_command(CLI::App& program);
void add_plan_command(CLI::App& program);
void add_submit_command(CLI::App& program);
void add_watch_command(CLI::App& program);
void add_run_command(CLI::App& program);
void add_benchmark_command(CLI::App& program);
void add_list_command(CLI::App& program);
void add_show_command(CLI::App& program);
void add_explain_command(CLI::App& program);
void add_rescue_command(CLI::App& program);
void add_policies_command(CLI::App& program);
void add_data_command(CLI::App& program);
void add_doctor_command(CLI::App& program);
void add_store_commands(CLI::App& data);  // those of `data` on prepared stores
void add_submit_slurm_command(CLI::App& submit);
void add_submit_kubernetes_command(CLI::App& submit);
void add_submit_skypilot_command(CLI::App& submit);

}  // namespace dtbench
