#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

#include "base/atomic_file.h"
#include "base/child.h"
#include "base/error.h"
#include "base/log.h"
#include "base/places.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/submitted_job.h"
#include "sweep/slurm_script.h"
#include "sweep/slurm_time.h"
#include "sweep/sweep_options.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

struct SlurmOptions {
  TaskOptions tasks;
  std::string partition, account, time;
  std::vector<std::string> sbatch;
  bool dry_run = false;
};

void require_writable_as_options(const SlurmOptions& options) {
  require_one_line(options.partition, "--partition");
  require_one_line(options.account, "--account");
  require_one_line(options.time, "--time");
  require_one_line(options.tasks.gpus, "--gpus");
  for (const std::string& option : options.sbatch) {
    require_one_line(option, "--sbatch");
    if (!option.starts_with('-'))
      throw usage_error(concat("--sbatch must be an option of sbatch, got '", option, "'."),
                        "For example: --sbatch=--mem=32G");
  }
}

// What the user's own --sbatch options say of NAME ("--time=60", "--time 60"): the last one counts.
std::optional<std::string> said_in(const std::vector<std::string>& sbatch,
                                   const std::string& name) {
  std::optional<std::string> value;
  for (const std::string& option : sbatch)
    if (option.starts_with(name + "=") || option.starts_with(name + " "))
      value = option.substr(name.size() + 1);
  return value;
}

// A task that is warned as soon as it starts would be requeued again and again without training.
void require_time_to_train(const SlurmOptions& options) {
  const std::string time = said_in(options.sbatch, "--time").value_or(options.time);
  if (time.empty()) return;
  const auto seconds = slurm_seconds(time);
  if (!seconds)
    throw usage_error(concat("--time must be a time limit of sbatch, got '", time, "'."),
                      "For example: --time 90 (minutes), --time 4:00:00, --time 1-12 (days-hours)");
  const auto signal = said_in(options.sbatch, "--signal");
  const std::int64_t warning = signal ? slurm_warning_seconds(*signal) : kSecondsOfWarning;
  if (*seconds == 0 || *seconds >= 2 * warning) return;
  throw usage_error(concat("--time '", time, "' is too short: tasks are warned ", warning,
                           " s before their limit, and need time to train."),
                    concat("Give at least ", (2 * warning + 59) / 60,
                           " minutes, or a shorter warning: --sbatch=--signal=B:USR2@SECONDS"));
}

// What nobody said and a reader of the bill would want to know.
void log_defaults(const SlurmOptions& options) {
  std::vector<std::string> defaults;
  if (options.partition.empty()) defaults.emplace_back("partition");
  if (options.account.empty()) defaults.emplace_back("account");
  if (options.time.empty()) defaults.emplace_back("time limit");
  if (!defaults.empty()) log_info("left to the cluster's defaults: " + join(defaults, ", "));
}

SlurmJob slurm_job(const SlurmOptions& options, const SubmittedJob& job, const Tasks& tasks) {
  SlurmJob slurm;
  describe(slurm, job, tasks, (program_folder() / "dtbench").string());
  slurm.name = "dtbench-" + name_of(job.out);
  slurm.environment = own_variables();
  for (const auto& variable : threads_variable(tasks, job))
    slurm.environment.push_back(variable);
  slurm.folder = fs::current_path();
  slurm.logs = fs::absolute(sweep_folder(job.out)).lexically_normal() / "slurm";
  slurm.gpus = tasks.gpus;
  slurm.partition = options.partition;
  slurm.account = options.account;
  slurm.time = options.time;
  slurm.options = options.sbatch;
  require_one_line(slurm.folder.string(), "The working folder");
  require_one_line(slurm.logs.string(), "--out");
  return slurm;
}

// The job's number, as sbatch prints it: "123" or "123;cluster".
std::string submit(const fs::path& script) {
  const ChildOutput sbatch = run_child({"/usr/bin/env", "sbatch", "--parsable", script.string()});
  constexpr int kNotFound = 127;
  if (sbatch.status == kNotFound)
    throw Error(ExitCode::kPermanent,
                "sbatch was not found on PATH: this is no machine of a Slurm cluster.",
                "Submit from a login node, or see the script with --dry-run.");
  if (sbatch.status != 0)
    throw Error(ExitCode::kPermanent,
                concat("sbatch refused the job, with exit code ", sbatch.status, ". It is in '",
                       script.string(), "'."),
                "The lines above say why.");
  return sbatch.output.substr(0, sbatch.output.find_first_of(";\n"));
}

void submit_to_slurm(const CLI::App& command, const SlurmOptions& options) {
  require_writable_as_options(options);
  require_time_to_train(options);
  const SubmittedJob job = read_job(command);
  const Tasks tasks = complete_tasks(options.tasks, job);
  const SlurmJob slurm = slurm_job(options, job, tasks);
  const std::string script = slurm_script(slurm);
  log_guesses(tasks);
  log_defaults(options);
  if (options.dry_run) {
    std::cout << script;
    return;
  }
  const fs::path file = slurm.logs / "array.sh";
  make_directories(slurm.logs);
  write_file_atomically(file, script);
  const std::string number = submit(file);
  std::cout << "Submitted job " << number << ": " << job.cells << " cells, at most "
            << tasks.at_once << " tasks at once.\n"
            << "Script and logs: " << slurm.logs.string() << "\n"
            << "Watch it: dtbench watch --follow " << shell_word(job.out.string())
            << "; squeue --job " << number << "\nStop it: scancel " << number
            << "\nThe same command submits again; cells that are done stay done.\n";
}

}  // namespace

void add_submit_slurm_command(CLI::App& submit) {
  CLI::App* command = submit.add_subcommand("slurm",
                                            "submit a job array whose tasks share the cells and "
                                            "requeue themselves before their time limit");
  const auto options = std::make_shared<SlurmOptions>();
  command->fallthrough(false)->prefix_command();
  add_task_options(*command, options->tasks, "task", ", as NUMBER or TYPE:NUMBER");
  command->add_option("--partition", options->partition, "partition, as for sbatch");
  command->add_option("--account", options->account, "account, as for sbatch");
  command->add_option("--time", options->time,
                      "time limit per task, as for sbatch, for example 4:00:00; a task that needs "
                      "longer is requeued");
  command
      ->add_option("--sbatch", options->sbatch,
                   "further sbatch option, for example --sbatch=--mem=32G; repeatable")
      ->allow_extra_args(false);
  command->add_flag("--dry-run", options->dry_run, "print the script; submit nothing");
  command->footer(
      "After the options, give the command to run, as you would type it here:\n"
      "  dtbench submit slurm --at-once 8 --time 4:00:00 matrix --preset small --device cuda\n"
      "See docs/cluster.md for what happens next.");
  command->callback([command, options] { submit_to_slurm(*command, *options); });
}

}  // namespace dtbench
