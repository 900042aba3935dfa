#include "hardware/measured_peak.h"

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file_lock.h"
#include "base/sha256.h"
#include "hardware/host.h"

namespace dtbench {
namespace {

Json to_json(const PeakKey& key) {
  return {{"device", key.device},
          {"datatype", key.datatype},
          {"torch", key.torch},
          {"threads", key.threads}};
}

// Waits for whoever measures.
FileLock measuring_lock(const std::filesystem::path& cache) {
  make_directories(cache / "peaks");
  return {cache / "peaks" / "lock", ""};
}

Json measure_locked(const std::filesystem::path& cache, const PeakKey& key,
                    const std::function<Json()>& measure) {
  CoreWait wait;
  const double started = steady_seconds();
  Json peak = measure();
  const auto share = wait.share_since_last(steady_seconds() - started);
  peak["key"] = to_json(key);
  peak["core_wait_share"] = share ? Json(*share) : Json();
  peak["measured_at"] = utc_now();
  // A rate that was reached once is a lower bound of the peak for good.
  if (auto kept = read_peak(cache, key); kept && kept->at("flops_per_s") >= peak.at("flops_per_s"))
    return *kept;
  write_file_atomically(peak_file(cache, key), peak.dump(1) + "\n");
  return peak;
}

}  // namespace

std::filesystem::path peak_file(const std::filesystem::path& cache, const PeakKey& key) {
  return cache / "peaks" / (sha256_hex(canonical_json(to_json(key))).substr(0, 16) + ".json");
}

std::optional<Json> read_peak(const std::filesystem::path& cache, const PeakKey& key) {
  const std::filesystem::path file = peak_file(cache, key);
  if (!std::filesystem::exists(file)) return std::nullopt;
  try {
    Json peak = read_json_file(file);
    if (peak.at("key") == to_json(key) && peak.at("flops_per_s").get<double>() > 0) return peak;
  } catch (const Error&) {
  } catch (const Json::exception&) {
  }
  return std::nullopt;
}

Json measure_peak(const std::filesystem::path& cache, const PeakKey& key,
                  const std::function<Json()>& measure) {
  const FileLock lock = measuring_lock(cache);
  return measure_locked(cache, key, measure);
}

Json read_or_measure_peak(const std::filesystem::path& cache, const PeakKey& key,
                          const std::function<Json()>& measure) {
  if (auto kept = read_peak(cache, key)) return *kept;
  const FileLock lock = measuring_lock(cache);
  if (auto kept = read_peak(cache, key)) return *kept;
  return measure_locked(cache, key, measure);
}

}  // namespace dtbench
