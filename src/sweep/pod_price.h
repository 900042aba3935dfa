// What a rented pod costs, asked of the platform it runs on: RunPod's REST API v2, GET
// /v2/pods/{id} (https://docs.runpod.io/api-reference-v2/pods/get-a-pod).
#pragma once

#include <optional>
#include <string>

#include "base/http_get.h"

namespace dtbench {

struct PodPrice {
  double usd_per_hour = 0;  // of the whole pod
  int gpus = 0;             // 0: a pod without
};

// From its answer. Throws std::runtime_error that says in words what is wrong with it, and quotes
// nothing of it.
PodPrice read_pod_price(const HttpAnswer& answer);

// USD an hour for one device of the pod, "cpu" being all of it.
double price_of_device(const PodPrice& pod, const std::string& device);

// The same of the pod that this is. Nothing where RUNPOD_API_KEY and
// RUNPOD_POD_ID are not set, or where no answer comes within two seconds. The first call asks, and
// says in one line what it got; the key appears nowhere. RUNPOD_REST_V2_API_URL names another
// address than https://api.runpod.io/v2.
std::optional<double> price_of_this_pod(const std::string& device);

}  // namespace dtbench
