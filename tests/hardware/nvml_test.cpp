#include "hardware/nvml.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace dtbench {
namespace {

std::string fake_library() {
  const char* bin = std::getenv("DTBENCH_BIN");
  return std::string(bin != nullptr ? bin : ".") + "/fake_nvml.so";
}

TEST(Nvml, ReadsWhatTheDriverTells) {
  std::string reason;
  const auto nvml = Nvml::open(reason, fake_library());
  ASSERT_NE(nvml, nullptr) << reason;
  EXPECT_EQ(nvml->driver_version(), "550.54.15");
  const auto sample = nvml->sample("0000:41:00.0");
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->sm_clock_mhz, 1410);
  EXPECT_EQ(sample->power_w, 298.5);
  EXPECT_EQ(sample->temperature_c, 83);
  EXPECT_EQ(sample->throttle, (std::vector<std::string>{"clock_setting", "power_cap", "thermal"}));
  EXPECT_EQ(sample->compute_processes, 2);
}

TEST(Nvml, NamesTheGpus) {
  std::string reason;
  const auto nvml = Nvml::open(reason, fake_library());
  ASSERT_NE(nvml, nullptr) << reason;
  const GpuModel a40{"NVIDIA A40", 8, 6, 46068ULL << 20};
  EXPECT_EQ(nvml->models(), (std::vector<GpuModel>{a40, a40}));
}

TEST(Nvml, AnotherAddressHasNoSample) {
  std::string reason;
  const auto nvml = Nvml::open(reason, fake_library());
  ASSERT_NE(nvml, nullptr) << reason;
  EXPECT_FALSE(nvml->sample("0000:01:00.0"));
}

TEST(Nvml, WithoutTheLibraryThereIsAReason) {
  std::string reason;
  EXPECT_EQ(Nvml::open(reason, "libnvidia-ml-that-is-not-there.so.1"), nullptr);
  EXPECT_NE(reason.find("libnvidia-ml-that-is-not-there.so.1"), std::string::npos) << reason;
}

TEST(Nvml, AnotherLibraryIsRefused) {
  std::string reason;
  EXPECT_EQ(Nvml::open(reason, "libc.so.6"), nullptr);
  EXPECT_NE(reason.find("is not NVML"), std::string::npos) << reason;
}

}  // namespace
}  // namespace dtbench
