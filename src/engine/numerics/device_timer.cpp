#include "engine/numerics/device_timer.h"

#include <exception>

#include "base/log.h"
#include "engine/numerics/plugin.h"

namespace dtbench {

DeviceTimer::DeviceTimer(const c10::Device& device) : device_(device) {
  if (device_.is_cuda()) timer_ = cuda_plugin().start_timer(device_.index());
}

// A step that an exception ends leaves its timer running.
DeviceTimer::~DeviceTimer() {
  try {
    stop();
  } catch (const std::exception& error) {
    log_warning(error.what());
  }
}

std::optional<double> DeviceTimer::stop() {
  if (timer_ == nullptr) return std::nullopt;
  void* running = timer_;
  timer_ = nullptr;
  return cuda_plugin().stop_timer(running, device_.index());
}

}  // namespace dtbench
