// A matrix or study as an Indexed Job of Kubernetes: the text of its manifest.
#pragma once

#include <string>

#include "sweep/shared_job.h"

namespace dtbench {

struct KubernetesJob : SharedJob {  // its name: kubernetes_name()
  std::string image;
  std::string claim;  // the volume that the pods share, mounted at kSharedFolder, where they start
  int gpus = 0;       // of a pod
};

inline constexpr const char* kSharedFolder = "/data";

// YAML for kubectl: batch/v1 of Kubernetes 1.31 or newer (backoffLimitPerIndex and
// podFailurePolicy). What happens to a pod follows from dtbench's exit code.
std::string kubernetes_manifest(const KubernetesJob& job);

// Lower-case letters, digits and hyphens, at most 52 of them, so that a pod's name fits, too.
std::string kubernetes_name(const std::string& text);

}  // namespace dtbench
