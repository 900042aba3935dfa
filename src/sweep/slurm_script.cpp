#include "sweep/slurm_script.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace dtbench {
namespace {

// sbatch reads words much as a shell does.
std::string line(const std::string& option) {
  return concat("#SBATCH ", shell_word(option), "\n");
}

std::string line_if(const std::string& option, const std::string& value) {
  return value.empty() ? "" : line(option + value);
}

// In the name of a log %A stands for something, and %% for itself.
std::string without_patterns(const std::string& path) {
  std::string text;
  for (const char c : path)
    text += c == '%' ? "%%" : std::string(1, c);
  return text;
}

std::string options_of(const SlurmJob& job) {
  std::string text = line("--job-name=" + job.name) +
                     line(concat("--array=0-", job.tasks - 1, "%", job.at_once)) +
                     line("--chdir=" + job.folder.string()) +
                     line("--output=" + without_patterns(job.logs.string()) + "/%A_%a.log") +
                     line("--open-mode=append") + line("--requeue") +
                     line(concat("--signal=B:USR2@", kSecondsOfWarning)) + line("--nodes=1") +
                     line(concat("--cpus-per-task=", job.cpus)) + line_if("--gres=gpu:", job.gpus) +
                     line_if("--partition=", job.partition) + line_if("--account=", job.account) +
                     line_if("--time=", job.time);
  for (const std::string& option : job.options)
    text += line(option);
  return text;
}

std::string exports_of(const Variables& environment) {
  std::string text;
  for (const auto& [name, value] : environment)
    text += concat("export ", name, "=", shell_word(value), "\n");
  return text;
}

constexpr const char* kSlurmBeforeCommand = R"(
echo "Task $SLURM_ARRAY_TASK_ID on $SLURMD_NODENAME, requeued ${SLURM_RESTART_COUNT:-0} times"

# Shortly before the time limit, and where the site warns of something else: dtbench saves and ends.
warned=
trap 'warned=yes; kill -USR2 "$dtbench"' USR1 USR2
# Cancelled, preempted or requeued: dtbench gets this signal, too. Its checkpoints are waited for.
trap : TERM

)";

constexpr const char* kSlurmAfterCommand = R"( &
dtbench=$!
while kill -0 "$dtbench" 2>/dev/null; do
  wait "$dtbench"
done
wait "$dtbench"
code=$?

# 0: nothing is left to do here. 2: wrong command line. 3: another try may succeed. 4: a cell cannot be
# trained as asked. 130 (128 and a signal's number): stopped; its cells go on from their checkpoints.
if { [[ $warned ]] && ((code >= 128)); } || ((code == 3 && ${SLURM_RESTART_COUNT:-0} < 3)); then
  # The number of this task: SLURM_JOB_ID of the last task stands for the whole array.
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" && exit "$code"
  echo "This task was not requeued. Submit again: cells go on from their checkpoints." >&2
fi
exit "$code"
)";

}  // namespace

std::string shell_word(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_./:=,@%+-").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  std::string quoted = "'";
  for (const char c : text)
    quoted += c == '\'' ? R"('\'')" : std::string(1, c);
  return quoted + "'";
}

std::string shell_command(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words)
    quoted.push_back(shell_word(word));
  return join(quoted, " ");
}

std::string slurm_script(const SlurmJob& job) {
  return concat(
      "#!/usr/bin/env bash\n# Written by 'dtbench submit slurm'. ", job.cells,
      " cells: each task trains those that no other holds, until none\n"
      "# is left. It may be submitted again at any time; cells that are done stay done.\n",
      options_of(job), "\n", exports_of(job.environment), kSlurmBeforeCommand,
      shell_command(job.command), kSlurmAfterCommand);
}

}  // namespace dtbench
