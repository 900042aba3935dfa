#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/submitted_job.h"
#include "sweep/kubernetes_job.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

struct KubernetesOptions {
  TaskOptions tasks;
  std::string image, claim;
};

// What a container keeps nowhere else, in the shared folder; and the settings made here, but not
// this machine's places.
Variables environment_of(const Tasks& tasks, const SubmittedJob& job) {
  Variables environment = {{"DTBENCH_CACHE", concat(kSharedFolder, "/.cache/dtbench")},
                           {"HF_HOME", concat(kSharedFolder, "/.cache/huggingface")}};
  for (const auto& variable : portable_variables())
    environment.push_back(variable);
  for (const auto& variable : threads_variable(tasks, job))
    environment.push_back(variable);
  return environment;
}

// A folder of the container is gone with it.
void require_shared(const fs::path& out) {
  const fs::path below = (fs::path(kSharedFolder) / out).lexically_normal();
  const fs::path relative = below.lexically_relative(kSharedFolder);
  if (relative.empty() || *relative.begin() == "..")
    throw usage_error(concat("--out must be in the shared volume, which is mounted at ",
                             kSharedFolder, "; got '", out.string(), "'."),
                      "A relative path starts there: --out runs");
}

void require_named(const std::string& value, const char* flag, const char* what) {
  if (value.empty())
    throw usage_error(concat("dtbench submit kubernetes needs ", flag, ", ", what, "."),
                      concat("Say ", flag, " NAME before 'matrix' or 'study'."));
  if (value.find_first_of(" \t\r\n") != std::string::npos)
    throw usage_error(concat(flag, " must be ", what, ", got '", printable(value), "'."),
                      "Leave the white space out.");
}

// A DNS subdomain (RFC 1123), as Kubernetes names claims.
void require_claim(const std::string& claim) {
  require_named(claim, "--claim", "the PersistentVolumeClaim that the pods share");
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool named = std::all_of(claim.begin(), claim.end(),
                                 [&](char c) { return is_letter(c) || c == '-' || c == '.'; });
  if (!named || !is_letter(claim.front()) || !is_letter(claim.back()))
    throw usage_error(concat("--claim must be the name of a PersistentVolumeClaim, got '",
                             printable(claim), "'."),
                      "Names have small letters, digits, '-' and '.': kubectl get pvc");
}

// What is here may not be there.
void log_files(const SubmittedJob& job) {
  for (const std::string& argument : job.arguments)
    if (std::error_code error;
        argument.find('/') != std::string::npos && fs::exists(argument, error))
      log_info(concat("the pods need '", printable(argument), "' at that path, below ",
                      kSharedFolder, " or in the image"));
}

void write_manifest(const CLI::App& command, const KubernetesOptions& options) {
  const SubmittedJob job = read_job(command);
  require_named(options.image, "--image", "a container image with dtbench on its PATH");
  require_claim(options.claim);
  require_shared(job.out);
  const Tasks tasks = complete_tasks(options.tasks, job);
  if (tasks.gpus.find(':') != std::string::npos)
    throw usage_error(concat("--gpus must be a number, got '", tasks.gpus, "'."),
                      "Nodes of a type are chosen in the manifest, by nodeSelector.");
  KubernetesJob kubernetes;
  describe(kubernetes, job, tasks, "dtbench");
  kubernetes.name = kubernetes_name("dtbench-" + name_of(job.out));
  kubernetes.environment = environment_of(tasks, job);
  kubernetes.image = options.image;
  kubernetes.claim = options.claim;
  kubernetes.gpus = tasks.gpu_count;
  log_guesses(tasks);
  log_files(job);
  std::cout << kubernetes_manifest(kubernetes);
}

}  // namespace

void add_submit_kubernetes_command(CLI::App& submit) {
  CLI::App* command = submit.add_subcommand(
      "kubernetes", "print the manifest of an Indexed Job whose pods share the cells");
  const auto options = std::make_shared<KubernetesOptions>();
  command->fallthrough(false)->prefix_command();
  command->add_option("--image", options->image, "container image with dtbench on its PATH");
  command->add_option("--claim", options->claim,
                      "PersistentVolumeClaim shared by the pods, mounted at /data");
  add_task_options(*command, options->tasks, "pod", "");
  command->footer(
      "After the options, give the command to run, as you would type it in /data:\n"
      "  dtbench submit kubernetes --image IMAGE --claim CLAIM matrix --device cuda --preset small "
      "|\n"
      "  kubectl create -f -\n"
      "See docs/cluster.md for what happens next.");
  command->callback([command, options] { write_manifest(*command, *options); });
}

}  // namespace dtbench
