// A matrix or study as a job array of Slurm: the text of its batch script.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sweep/shared_job.h"

namespace dtbench {

constexpr int kSecondsOfWarning = 120;  // before a task's time limit

struct SlurmJob : SharedJob {
  std::filesystem::path folder;          // where it starts
  std::filesystem::path logs;            // a folder, for a file a task
  std::string gpus;                      // of a task: "2" or "a100:2"; empty: none
  std::string partition, account, time;  // empty: the cluster's defaults
  std::vector<std::string> options;      // further ones of sbatch: "--mem=32G"
};

// A script for sbatch. Its tasks all run the same command and share the cells by their leases. On a
// warning signal a task saves, ends and has itself requeued.
std::string slurm_script(const SlurmJob& job);

// One word of a shell, quoted where that is needed.
std::string shell_word(const std::string& text);
// Several, for a command line.
std::string shell_command(const std::vector<std::string>& words);

}  // namespace dtbench
