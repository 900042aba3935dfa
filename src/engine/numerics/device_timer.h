// The time that a device's own clock gives to the work asked of it, apart from the host's.
#pragma once

#include <c10/core/Device.h>

#include <optional>

namespace dtbench {

class DeviceTimer {
 public:
  // Starts. On the CPU, where the host's clock says it all, there is nothing to start.
  explicit DeviceTimer(const c10::Device& device);
  ~DeviceTimer();
  DeviceTimer(const DeviceTimer&) = delete;
  DeviceTimer& operator=(const DeviceTimer&) = delete;

  // After what was asked of the device until now. Waits for nothing.
  void stop();
  // Between start and stop, once the device has been waited for; nothing on the CPU, or the second
  // time.
  std::optional<double> seconds();

 private:
  c10::Device device_;
  void* timer_ = nullptr;
};

}  // namespace dtbench
