// Signatures and codes as nvml.h declares them (NVML API Reference Guide).
#include <cstdlib>
#include <cstring>

namespace {

int gpu = 0;

// Two GPUs: an A40 and another of the name in FAKE_NVML_SECOND, else a second A40.
int gpus[2] = {0, 1};

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
int nvmlDeviceGetCount_v2(unsigned int* count) {
  *count = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void** device) {
  if (index > 1) return 2;  // NVML_ERROR_INVALID_ARGUMENT
  *device = &gpus[index];
  return 0;
}
int nvmlDeviceGetName(void* device, char* name, unsigned int length) {
  const char* second = std::getenv("FAKE_NVML_SECOND");
  const bool other = device == &gpus[1] && second != nullptr;
  std::strncpy(name, other ? second : "NVIDIA A40", length);
  return 0;
}
int nvmlDeviceGetCudaComputeCapability(void* device, int* major, int* minor) {
  *major = 8;
  *minor = device == &gpus[1] && std::getenv("FAKE_NVML_SECOND") != nullptr ? 9 : 6;
  return 0;
}
int nvmlDeviceGetMemoryInfo(void*, unsigned long long* total_free_used) {  // nvmlMemory_t
  total_free_used[0] = 48305799168;                                        // an A40's 46068 MiB
  total_free_used[1] = total_free_used[0];
  total_free_used[2] = 0;
  return 0;
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
