#include "sweep/pod_price.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "analysis/json_access.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr const char* kAddress = "https://api.runpod.io/v2";
constexpr double kSecondsToWait = 2;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

const char* meaning_of(long status) {
  switch (status) {
    case 401:
      return " (it does not accept the key)";
    case 403:
      return " (the key may not read this pod)";
    case 404:
      return " (it knows no such pod for this key)";
    case 429:
      return " (it was asked too often)";
    default:
      return "";
  }
}

// For a URL without quoting.
bool is_plain(const std::string& id) {
  return std::all_of(id.begin(), id.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

PodPrice ask(const std::string& id, const std::string& key) {
  if (!is_plain(id)) throw std::runtime_error("RUNPOD_POD_ID cannot be a pod's id");
  if (std::any_of(key.begin(), key.end(), [](unsigned char c) { return std::isgraph(c) == 0; }))
    throw std::runtime_error("RUNPOD_API_KEY cannot be a key");
  std::string address = variable("RUNPOD_REST_V2_API_URL");
  if (address.empty()) address = kAddress;
  return read_pod_price(http_get(concat(address, "/pods/", id), key, kSecondsToWait));
}

std::optional<PodPrice> price_if_told() {
  const std::string id = variable("RUNPOD_POD_ID"), key = variable("RUNPOD_API_KEY");
  if (id.empty() || key.empty()) return std::nullopt;
  try {
    const PodPrice price = ask(id, key);
    log_info(concat("price: ", formatted("%.4g", price.usd_per_hour), " USD an hour",
                    price.gpus > 1 ? concat(" for ", price.gpus, " GPUs") : std::string(),
                    ", by RunPod's API for pod ", id));
    return price;
  } catch (const std::exception& fault) {
    log_warning(concat("RunPod's API did not tell the price of pod '", id, "': ", fault.what(),
                       ". Say it: --price-per-hour"));
    return std::nullopt;
  }
}

}  // namespace

PodPrice read_pod_price(const HttpAnswer& answer) {
  if (answer.status != 200)
    throw std::runtime_error(concat("HTTP status ", answer.status, meaning_of(answer.status)));
  const auto pod = parse_json_or_none(answer.body);
  if (!pod || !pod->is_object()) throw std::runtime_error("its answer is no JSON object");
  const auto cost = number_or_none(member_or_null(*pod, "/cost"));
  if (!cost || !std::isfinite(*cost)) throw std::runtime_error("its answer has no 'cost'");
  if (*cost <= 0) throw std::runtime_error("it tells a cost of 0, as of a pod that is stopped");
  const Json gpus = member_or_null(*pod, "/gpu/count");
  if (member_or_null(*pod, "/gpu").is_null()) return {*cost, 0};
  // One, where it is left out: the API's default.
  return {*cost, gpus.is_number_integer() && gpus.get<int>() > 0 ? gpus.get<int>() : 1};
}

double price_of_device(const PodPrice& pod, const std::string& device) {
  return pod.usd_per_hour / (device == "cpu" || pod.gpus == 0 ? 1 : pod.gpus);
}

std::optional<double> price_of_this_pod(const std::string& device) {
  static const std::optional<PodPrice> told = price_if_told();
  return told ? std::optional(price_of_device(*told, device)) : std::nullopt;
}

}  // namespace dtbench
