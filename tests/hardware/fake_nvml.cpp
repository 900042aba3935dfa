// Signatures and codes as nvml.h declares them (NVML API Reference Guide).
#include <cstring>

namespace {

int gpu = 0;

}  // namespace

extern "C" {

int nvmlInit_v2() {
  return 0;
}
int nvmlShutdown() {
  return 0;
}
int nvmlSystemGetDriverVersion(char* version, unsigned int length) {
  std::strncpy(version, "550.54.15", length);
  return 0;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** device) {
  *device = &gpu;
  return std::strcmp(id, "0000:41:00.0") == 0 ? 0 : 6;  // NVML_ERROR_NOT_FOUND
}
int nvmlDeviceGetClockInfo(void* device, int type, unsigned int* mhz) {
  *mhz = type == 1 ? 1410 : 7;  // NVML_CLOCK_SM
  return device == &gpu ? 0 : 2;
}
int nvmlDeviceGetPowerUsage(void*, unsigned int* milliwatts) {
  *milliwatts = 298500;
  return 0;
}
int nvmlDeviceGetTemperature(void*, int sensor, unsigned int* celsius) {
  *celsius = 83;
  return sensor == 0 ? 0 : 2;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void*, unsigned long long* reasons) {
  // idle, application and display clocks, software power cap, software and hardware thermal
  // slowdown
  *reasons = 0x1 | 0x2 | 0x100 | 0x4 | 0x20 | 0x40;
  return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void*, unsigned int* count, void*) {
  *count = 2;
  return 0;
}
}
