#include <filesystem>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/submitted_job.h"
#include "sweep/kubernetes_job.h"
#include "sweep/skypilot_task.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

// As of docker/Dockerfile, which builds on it.
constexpr const char* kImage = "nvidia/cuda:13.0.2-devel-ubuntu24.04";

struct SkyPilotOptions {
  TaskOptions tasks;
  std::string image = kImage, bucket;
};

void require_bucket(const std::string& bucket) {
  require_one_line(bucket, "--bucket");
  const std::size_t scheme = bucket.find("://");
  if (scheme == std::string::npos || scheme == 0 || scheme + 3 == bucket.size())
    throw usage_error(
        concat("dtbench submit skypilot needs --bucket, the address of a bucket for finished "
               "records, got '",
               bucket, "'."),
        "For example: --bucket s3://my-records");
}

// The machine's own disk is gone with it; the bucket has the same path.
std::string below_the_source(const fs::path& out) {
  const fs::path path = out.lexically_normal();
  if (path.is_absolute() || path.empty() || *path.begin() == "..")
    throw usage_error(
        concat("--out must be a path below the source tree, got '", out.string(), "'."),
        "For example: --out runs");
  const std::string text = path.generic_string();
  require_one_line(text, "--out");
  return text.ends_with('/') ? text.substr(0, text.size() - 1) : text;
}

void require_type(const std::string& gpus, const SubmittedJob& job) {
  if (job.on_gpu && (gpus.empty() || gpus.find_first_not_of("0123456789") == std::string::npos))
    throw usage_error(
        concat("dtbench submit skypilot needs the type of the GPUs, got '", gpus, "'."),
        "For example: --gpus A100:1. 'sky gpus list' shows the types there are.");
}

void write_task(const CLI::App& command, const SkyPilotOptions& options) {
  const SubmittedJob job = read_job(command);
  require_bucket(options.bucket);
  require_one_line(options.image, "--image");
  require_type(options.tasks.gpus, job);
  TaskOptions one = options.tasks;
  one.at_once = one.tasks = 1;
  const Tasks tasks = complete_tasks(one, job);
  SkyPilotTask task;
  describe(task, job, tasks, "./dtbench");
  task.name = kubernetes_name("dtbench-" + name_of(job.out));
  task.environment = portable_variables();
  for (const auto& variable : threads_variable(tasks, job))
    task.environment.push_back(variable);
  task.image = options.image;
  task.bucket = options.bucket;
  task.gpus = tasks.gpus;
  task.out = below_the_source(job.out);
  log_guesses(tasks);
  std::cout << skypilot_task(task);
}

}  // namespace

void add_submit_skypilot_command(CLI::App& submit) {
  CLI::App* command = submit.add_subcommand("skypilot",
                                            "print a SkyPilot task: train on one machine in any "
                                            "cloud, copy finished records to a bucket");
  const auto options = std::make_shared<SkyPilotOptions>();
  command->fallthrough(false)->prefix_command();
  command->add_option("--bucket", options->bucket,
                      "bucket for the finished records: s3://NAME, gs://NAME");
  command->add_option("--image", options->image, concat("container image (default: ", kImage, ")"));
  command->add_option("--gpus", options->tasks.gpus, "GPUs of the machine, as TYPE:NUMBER");
  command->add_option("--cpus", options->tasks.cpus, "minimum number of CPU cores (default: 4)")
      ->check(CLI::Range(1, 100'000));
  command->footer(
      "After the options, give the command to run, as you would type it in the source tree:\n"
      "  dtbench submit skypilot --bucket s3://RECORDS --gpus A100:1 matrix --device cuda > "
      "task.yaml\n"
      "  sky jobs launch task.yaml\n"
      "See docs/cluster.md for what happens next.");
  command->callback([command, options] { write_task(*command, *options); });
}

}  // namespace dtbench
