// A matrix or study as a task of SkyPilot: the text of its YAML file.
#pragma once

#include <string>

#include "sweep/shared_job.h"

namespace dtbench {

struct SkyPilotTask : SharedJob {  // its name: kubernetes_name()
  std::string image;               // of a container
  std::string bucket;              // an address: "s3://NAME"
  std::string gpus;                // "A100:2"; empty: none
  std::string out;                 // folder of records, below the source tree
};

// YAML for sky launch and sky jobs launch, on one machine, since leases need a real file system.
// Finished records are copied to the bucket as they come, and another launch begins with those that
// are there: cells of a machine that was lost start anew, cells that are done stay done. Exit code
// 3 is tried again, three times.
std::string skypilot_task(const SkyPilotTask& task);

}  // namespace dtbench
