#include "sweep/slots.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>

#include "base/text.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

bool is_gpu(const std::string& name) {
  constexpr std::string_view kPrefix = "nvidia";
  return name.starts_with(kPrefix) && name.size() > kPrefix.size() &&
         std::all_of(name.begin() + kPrefix.size(), name.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::vector<Slot> cpu_slots(int jobs) {
  Slot slot{{}, 1.0 / jobs};
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  if (jobs > 1 && std::getenv("OMP_NUM_THREADS") == nullptr)
    slot.environment.push_back(concat("OMP_NUM_THREADS=", std::max(1, cores / jobs)));
  return std::vector<Slot>(static_cast<std::size_t>(jobs), slot);
}

std::vector<Slot> gpu_slots(const std::vector<std::string>& gpus, int jobs) {
  const int count = static_cast<int>(gpus.size());
  std::vector<Slot> slots;
  for (int job = 0; job < jobs; ++job) {
    const int gpu = job % count;
    const int on_it = jobs / count + (gpu < jobs % count ? 1 : 0);
    slots.push_back(
        {{concat("CUDA_VISIBLE_DEVICES=", gpus.at(static_cast<std::size_t>(gpu)))}, 1.0 / on_it});
  }
  return slots;
}

}  // namespace

std::vector<std::string> visible_gpus(const std::string& devices) {
  std::vector<std::string> gpus;
  if (const char* given = std::getenv("CUDA_VISIBLE_DEVICES"); given != nullptr) {
    std::istringstream names(given);
    for (std::string name; std::getline(names, name, ',');)
      gpus.push_back(name);
    return gpus;
  }
  std::error_code error;
  for (fs::directory_iterator entry(devices, error), end; !error && entry != end;
       entry.increment(error))  // numbered from 0 by CUDA, whatever the files' numbers
    if (is_gpu(entry->path().filename().string())) gpus.push_back(std::to_string(gpus.size()));
  return gpus;
}

std::vector<Slot> make_slots(const std::string& device, std::optional<int> jobs) {
  if (device == "cpu") return cpu_slots(jobs.value_or(1));
  const std::vector<std::string> gpus = visible_gpus();
  if (device == "cuda" && !gpus.empty())
    return gpu_slots(gpus, jobs.value_or(static_cast<int>(gpus.size())));
  const int count = jobs.value_or(1);
  return std::vector<Slot>(static_cast<std::size_t>(count), Slot{{}, 1.0 / count});
}

}  // namespace dtbench
