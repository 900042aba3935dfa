#include "cli/submitted_job.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/places.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/matrix_command.h"
#include "cli/parse_error.h"
#include "cli/study_command.h"
#include "config/extension.h"

namespace dtbench {
namespace {

constexpr int kMostTasks = 100'000;
constexpr int kTasksAtOnce = 4, kCpus = 4;  // guesses

SubmittedJob job_of(const MatrixOptions& options, const std::vector<SweepCell>& cells,
                    bool dry_run) {
  if (dry_run)
    throw usage_error("A job with --dry-run would train nothing.",
                      "Say --dry-run before 'matrix' or 'study', and nothing is submitted.");
  require_device_here(options);
  SubmittedJob job;
  job.cells = cells.size();
  job.on_gpu = cells.front().spec.device != "cpu";
  job.jobs = options.jobs;
  job.out = options.out;
  sweep_options(options, cells);  // refuses wrong prices and budgets
  return job;
}

SubmittedJob matrix_job(const MatrixCommand& command) {
  const std::vector<SweepCell> cells = sweep_cells(command.matrix);
  require_device_said(command.matrix, cells);
  return job_of(command.matrix, cells, command.dry_run);
}

SubmittedJob study_job(StudyOptions& options) {
  complete(options);
  std::vector<SweepCell> cells;
  for (const StudyStage& stage : read_study(configs_folder(), options.study).stages) {
    const std::vector<SweepCell> of_stage = stage_cells(options, stage, {});
    require_device_said(matrix_of_stage(options, stage), of_stage);
    cells.insert(cells.end(), of_stage.begin(), of_stage.end());
  }
  return job_of(options.matrix, cells, options.dry_run);
}

void load_given(const std::vector<std::string>& files) {
  for (const std::string& file : files)
    load_extension(file, ExtensionHalf::kConfiguration);
}

// What is left over when the first word is no command of a job: flags first, as CLI11 tells them.
void require_command(const CLI::App& scheduler, const std::vector<std::string>& words) {
  const std::vector<std::string>& known = submitted_commands();
  if (words.empty())
    throw usage_error(
        concat("'", scheduler.get_name(), "' needs a command to submit: matrix or study."),
        concat("dtbench submit ", scheduler.get_name(), " --help"));
  if (words.front().starts_with('-')) throw CLI::ExtrasError(scheduler.get_name(), words);
  if (std::find(known.begin(), known.end(), words.front()) == known.end())
    throw usage_error(concat("'", words.front(), "' cannot be submitted."),
                      suggestion(words.front(), known));
}

int number_in(const std::string& text) {
  int number = 0;
  const auto [rest, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && rest == text.data() + text.size() ? number : 0;
}

// Of "2" or "a100:2".
int count_of(const std::string& gpus) {
  const int count = number_in(gpus.substr(gpus.rfind(':') + 1));
  if (count < 1 || gpus.starts_with(':'))
    throw usage_error(concat("--gpus must be a number or TYPE:NUMBER, got '", gpus, "'."),
                      "For example: --gpus 1, --gpus a100:2");
  return count;
}

std::string with_plural(int count, const char* noun) {
  return concat(count, " ", noun, count == 1 ? "" : "s");
}

}  // namespace

const std::vector<std::string>& submitted_commands() {
  static const std::vector<std::string> commands = {"matrix", "study"};
  return commands;
}

SubmittedJob read_job(const CLI::App& scheduler) {
  const std::vector<std::string> words = scheduler.remaining();
  require_command(scheduler, words);
  std::vector<std::string> before;  // --extension of dtbench itself
  for (const Extension& extension : loaded_extensions())
    before.insert(before.end(), {"--extension", extension.file.string()});

  CLI::App program("", "dtbench");
  program.fallthrough();
  program.get_formatter()->column_width(34);
  program.add_option_function<std::vector<std::string>>("--extension", load_given)
      ->allow_extra_args(false)
      ->trigger_on_parse();
  MatrixCommand matrix;
  StudyOptions study;
  CLI::App* as_matrix = program.add_subcommand("matrix");
  CLI::App* as_study = program.add_subcommand("study");
  add_matrix_flags(*as_matrix, matrix);
  add_study_flags(*as_study, study);
  try {
    program.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Success& help) {
    program.exit(help);
    throw Ended{ExitCode::kDone};
  } catch (const CLI::ParseError& error) {
    throw explain(program, error);
  }
  SubmittedJob job = *as_matrix ? matrix_job(matrix) : study_job(study);
  job.arguments = std::move(before);
  job.arguments.insert(job.arguments.end(), words.begin(), words.end());
  if (!matrix.matrix.no_wait && !study.matrix.no_wait) job.arguments.emplace_back("--no-wait");
  return job;
}

void add_task_options(CLI::App& command, TaskOptions& options, const std::string& task,
                      const std::string& gpus_form) {
  command
      .add_option("--at-once", options.at_once,
                  concat("maximum number of ", task, "s that run at once (default: 4)"))
      ->check(CLI::Range(1, kMostTasks));
  command
      .add_option("--tasks", options.tasks,
                  concat("total number of ", task,
                         "s; those beyond --at-once start when earlier ones end, and continue "
                         "their work (default: as many as --at-once)"))
      ->check(CLI::Range(1, kMostTasks));
  command.add_option("--cpus", options.cpus, concat("CPU cores per ", task, " (default: 4)"))
      ->check(CLI::Range(1, kMostTasks));
  command.add_option("--gpus", options.gpus,
                     concat("GPUs per ", task, gpus_form, " (default: 1 if cells train on GPUs)"));
}

Tasks complete_tasks(const TaskOptions& options, const SubmittedJob& job) {
  Tasks tasks{};
  tasks.at_once = options.at_once.value_or(
      std::min({kTasksAtOnce, options.tasks.value_or(kTasksAtOnce), static_cast<int>(job.cells)}));
  if (!options.at_once)
    tasks.guessed.push_back(concat("at most ", with_plural(tasks.at_once, "task"), " at once"));
  tasks.tasks = options.tasks.value_or(tasks.at_once);
  tasks.at_once = std::min(tasks.at_once, tasks.tasks);
  tasks.cpus = options.cpus.value_or(kCpus);
  if (!options.cpus)
    tasks.guessed.push_back(concat(with_plural(tasks.cpus, "CPU core"), " per task"));
  if (!options.gpus.empty() && options.gpus != "0" && !job.on_gpu)
    throw usage_error("--gpus asks for GPUs, but the cells train on a CPU.",
                      "Say --device cuda behind 'matrix' or 'study', or drop --gpus.");
  if (!job.on_gpu) return tasks;
  tasks.gpus = options.gpus.empty() ? "1" : options.gpus;
  tasks.gpu_count = count_of(tasks.gpus);
  if (options.gpus.empty()) tasks.guessed.emplace_back("1 GPU per task");
  return tasks;
}

Variables threads_variable(const Tasks& tasks, const SubmittedJob& job) {
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return {};
  const int at_a_time = job.jobs.value_or(std::max(1, tasks.gpu_count));
  return {{"OMP_NUM_THREADS", std::to_string(std::max(1, tasks.cpus / at_a_time))}};
}

void describe(SharedJob& shared, const SubmittedJob& job, const Tasks& tasks,
              const std::string& program) {
  shared.cells = job.cells;
  shared.command = {program};
  shared.command.insert(shared.command.end(), job.arguments.begin(), job.arguments.end());
  shared.tasks = tasks.tasks;
  shared.at_once = tasks.at_once;
  shared.cpus = tasks.cpus;
}

void log_guesses(const Tasks& tasks) {
  if (!tasks.guessed.empty()) log_info("guessed: " + join(tasks.guessed, ", "));
}

Variables own_variables() {
  std::map<std::string, std::string> found;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const std::size_t end = text.find('=');
    if (text.starts_with("DTBENCH_") && end != std::string::npos)
      found[text.substr(0, end)] = text.substr(end + 1);
  }
  return {found.begin(), found.end()};
}

Variables portable_variables() {
  Variables variables = own_variables();
  std::erase_if(variables, [](const auto& variable) {
    return variable.first == "DTBENCH_CACHE" || variable.first == "DTBENCH_CONFIGS";
  });
  return variables;
}

void require_one_line(const std::string& value, const std::string& flag) {
  if (value.find_first_of("\r\n") != std::string::npos)
    throw usage_error(concat(flag, " must be one line, got ", printable(value), "."),
                      "Leave the line break out.");
}

std::string name_of(const std::filesystem::path& folder) {
  const std::filesystem::path whole = std::filesystem::absolute(folder).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

}  // namespace dtbench
