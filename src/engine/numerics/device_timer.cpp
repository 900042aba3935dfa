#include "engine/numerics/device_timer.h"

#include <exception>
#include <utility>

#include "base/log.h"
#include "engine/numerics/device.h"
#include "engine/numerics/plugin.h"

namespace dtbench {

DeviceTimer::DeviceTimer(const c10::Device& device) : device_(device) {
  if (device_.is_cuda()) timer_ = cuda_plugin().start_timer(device_.index());
}

// A step that an exception ends leaves its timer running.
DeviceTimer::~DeviceTimer() {
  if (timer_ == nullptr) return;
  try {
    stop();
    synchronize(device_);
    seconds();
  } catch (const std::exception& error) {
    log_warning(error.what());
  }
}

void DeviceTimer::stop() {
  if (timer_ != nullptr) cuda_plugin().stop_timer(timer_, device_.index());
}

std::optional<double> DeviceTimer::seconds() {
  void* stopped = std::exchange(timer_, nullptr);
  if (stopped == nullptr) return std::nullopt;
  return cuda_plugin().timer_seconds(stopped);
}

}  // namespace dtbench
