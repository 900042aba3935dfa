#include "sweep/kubernetes_job.h"

#include <cctype>

#include "base/text.h"
#include "sweep/yaml_text.h"

namespace dtbench {
namespace {

std::string list_of(const std::vector<std::string>& words) {
  std::vector<std::string> items;
  for (const std::string& word : words)
    items.push_back(in_yaml(word));
  return concat("[", join(items, ", "), "]");
}

std::string environment_of(const Variables& environment) {
  std::string text;
  for (const auto& [name, value] : environment)
    text += concat("            - {name: ", name, ", value: ", in_yaml(value), "}\n");
  return text;
}

// Whole cores and whole GPUs, so that limits are requests.
std::string resources_of(const KubernetesJob& job) {
  return concat("cpu: ", job.cpus,
                job.gpus > 0 ? concat(", nvidia.com/gpu: ", job.gpus) : std::string());
}

constexpr const char* kFailurePolicy = R"(  backoffLimitPerIndex: 3        # further tries
  podFailurePolicy:              # by dtbench's exit code; the first rule that fits decides
    rules:
      - action: Ignore           # evicted or preempted: another pod takes its place
        onPodConditions:
          - {type: DisruptionTarget, status: "True"}
      - action: FailJob          # wrong command line: every pod would say the same
        onExitCodes: {containerName: dtbench, operator: In, values: [2]}
      - action: Count            # another try may succeed
        onExitCodes: {containerName: dtbench, operator: In, values: [3]}
      - action: FailIndex        # a cell cannot be trained as asked; other pods go on
        onExitCodes: {containerName: dtbench, operator: In, values: [4]}
      - action: Ignore           # stopped by a signal, with checkpoints: another pod goes on
        onExitCodes: {containerName: dtbench, operator: In, values: [130]}
)";

}  // namespace

std::string kubernetes_name(const std::string& text) {
  constexpr std::size_t kMost = 52;
  std::string name;
  for (const unsigned char c : text)
    if (std::isalnum(c) != 0)
      name += static_cast<char>(std::tolower(c));
    else if (!name.empty() && name.back() != '-')
      name += '-';
  name = name.substr(0, kMost);
  while (!name.empty() && name.back() == '-')
    name.pop_back();
  return name;
}

std::string kubernetes_manifest(const KubernetesJob& job) {
  return concat(
      "# Written by 'dtbench submit kubernetes'. ", job.cells,
      " cells: each pod trains those that no other holds, until\n"
      "# none is left. It may be created again after it has ended; cells that are done stay done.\n"
      "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: ",
      job.name, "\nspec:\n  completionMode: Indexed\n  completions: ", job.tasks,
      "\n  parallelism: ", job.at_once, "\n", kFailurePolicy,
      "  template:\n    spec:\n      restartPolicy: Never\n"
      "      terminationGracePeriodSeconds: 30  # checkpoints take 5\n"
      "      containers:\n        - name: dtbench\n          image: ",
      in_yaml(job.image), "\n          workingDir: ", kSharedFolder,
      "\n          command: ", list_of(job.command), "\n          env:\n",
      environment_of(job.environment), "          resources:\n            limits: {",
      resources_of(job),
      "}\n          volumeMounts:\n            - {name: shared, mountPath: ", kSharedFolder,
      "}\n      volumes:\n        - name: shared\n          persistentVolumeClaim: {claimName: ",
      in_yaml(job.claim), "}\n");
}

}  // namespace dtbench
