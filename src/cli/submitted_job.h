// What `dtbench submit` hands to a scheduler: a command line of `matrix` or `study`, checked before
// it waits in a queue, and how many tasks are to run it with how much each.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sweep/shared_job.h"

namespace dtbench {

// The commands that can be submitted.
const std::vector<std::string>& submitted_commands();

struct SubmittedJob {
  std::vector<std::string> arguments;  // of dtbench, as given, and --no-wait
  std::size_t cells = 0;
  bool on_gpu = false;
  std::optional<int> jobs;    // --jobs
  std::filesystem::path out;  // as given
};

// From the words of a scheduler's command that are not its own: "matrix --preset tiny". Throws
// Error (usage) for what neither `matrix` nor `study` takes, and Ended after printing what --help
// asked for.
SubmittedJob read_job(const CLI::App& scheduler);

struct TaskOptions {
  std::optional<int> tasks, at_once, cpus;
  std::string gpus;
};

// --at-once, --tasks, --cpus and --gpus. `task`: the scheduler's word for one, "task" or "pod".
// `gpus_form`: how --gpus is written, where it is more than a number: ", as TYPE:NUMBER".
void add_task_options(CLI::App& command, TaskOptions& options, const std::string& task,
                      const std::string& gpus_form);

struct Tasks {
  int tasks, at_once, cpus;
  std::string gpus;  // "" where cells train on a CPU
  int gpu_count;
  std::vector<std::string> guessed;  // in words
};

// Throws Error (usage) for GPUs that are no number or TYPE:NUMBER, or that no cell would use.
Tasks complete_tasks(const TaskOptions& options, const SubmittedJob& job);

// OMP_NUM_THREADS of a task, unless it is set here: a cell resumes only with as many threads as it
// had, and nodes may have different numbers of cores.
Variables threads_variable(const Tasks& tasks, const SubmittedJob& job);

// What every scheduler is told alike, but for environment and name: `program` runs the job's
// arguments.
void describe(SharedJob& shared, const SubmittedJob& job, const Tasks& tasks,
              const std::string& program);

// In a line on standard error.
void log_guesses(const Tasks& tasks);

// The DTBENCH_* variables that are set here, in the order of their names.
Variables own_variables();
// The same without those that name places of this machine.
Variables portable_variables();

// Throws Error (usage) unless `value` is one line.
void require_one_line(const std::string& value, const std::string& flag);

// The last part of a path, which may end in a slash or be "..": for names of jobs.
std::string name_of(const std::filesystem::path& folder);

}  // namespace dtbench
