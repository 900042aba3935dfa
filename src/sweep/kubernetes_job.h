// A matrix or study as an Indexed Job of Kubernetes: the text of its manifest.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sweep/slurm_script.h"

namespace dtbench {

struct KubernetesJob {
  std::string name;                  // as Kubernetes allows: kubernetes_name()
  std::size_t cells = 0;             // of the whole matrix, for who reads the manifest
  std::vector<std::string> command;  // of each pod: the program and its arguments
  Variables environment;
  std::string image;
  std::string claim;  // the volume that the pods share, mounted at kSharedFolder, where they start
  int tasks = 1, at_once = 1, cpus = 1, gpus = 0;
};

inline constexpr const char* kSharedFolder = "/work";

// YAML for kubectl: batch/v1 of Kubernetes 1.31 or newer (backoffLimitPerIndex and
// podFailurePolicy). What happens to a pod follows from dtbench's exit code.
std::string kubernetes_manifest(const KubernetesJob& job);

// Lower-case letters, digits and hyphens, at most 52 of them, so that a pod's name fits, too.
std::string kubernetes_name(const std::string& text);

}  // namespace dtbench
