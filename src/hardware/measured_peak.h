// The largest rate of matrix products that was measured on a device: once per device, datatype,
// torch version and number of threads, kept in the cache folder so that no cell measures it again.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/json.h"

namespace dtbench {

// Everything that the rate depends on. It is written into the file, whose name is its hash.
struct PeakKey {
  std::string device;    // "NVIDIA A40"; the CPU's model and instruction set
  std::string datatype;  // spec_sheet.h: matmul_datatype
  std::string torch;     // version
  std::int64_t threads;  // of the host
};

std::filesystem::path peak_file(const std::filesystem::path& cache, const PeakKey& key);

// What was measured: {"key", "flops_per_s", "shape", "sweep", "core_wait_share" (hardware/host.h,
// while it was measured), "measured_at"}; nothing where nothing was, or the file is damaged.
std::optional<Json> read_peak(const std::filesystem::path& cache, const PeakKey& key);

// Runs `measure`, which returns {"flops_per_s", "shape", "sweep"}, adds the rest and keeps it.
// Of this and the kept one the larger is kept and returned.
Json measure_peak(const std::filesystem::path& cache, const PeakKey& key,
                  const std::function<Json()>& measure);

// The kept one, or else measured now. One process measures, others wait for it: two at once would
// each find half of the machine.
Json read_or_measure_peak(const std::filesystem::path& cache, const PeakKey& key,
                          const std::function<Json()>& measure);

}  // namespace dtbench
