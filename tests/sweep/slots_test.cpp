#include "sweep/slots.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "temporary_folder.h"

namespace dtbench {
namespace {

using Names = std::vector<std::string>;

class SlotsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    unsetenv("OMP_NUM_THREADS");
    unsetenv("CUDA_VISIBLE_DEVICES");
  }
};

TEST_F(SlotsTest, OneJobOnACpuHasAllOfIt) {
  const std::vector<Slot> slots = make_slots("cpu", std::nullopt);
  ASSERT_EQ(slots.size(), 1U);
  EXPECT_TRUE(slots[0].environment.empty());
  EXPECT_EQ(slots[0].share, 1);
}

TEST_F(SlotsTest, JobsDivideTheCores) {
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  const std::vector<Slot> slots = make_slots("cpu", 2);
  ASSERT_EQ(slots.size(), 2U);
  EXPECT_EQ(slots[1].environment, Names{concat("OMP_NUM_THREADS=", std::max(1, cores / 2))});
  EXPECT_EQ(slots[1].share, 0.5);
  EXPECT_EQ(make_slots("cpu", 10 * cores)[0].environment, Names{"OMP_NUM_THREADS=1"});
  setenv("OMP_NUM_THREADS", "3", 1);
  EXPECT_TRUE(make_slots("cpu", 2)[0].environment.empty());
}

TEST_F(SlotsTest, AGpuEach) {
  setenv("CUDA_VISIBLE_DEVICES", "2,GPU-abc", 1);
  const std::vector<Slot> slots = make_slots("cuda", std::nullopt);
  ASSERT_EQ(slots.size(), 2U);
  EXPECT_EQ(slots[0].environment, Names{"CUDA_VISIBLE_DEVICES=2"});
  EXPECT_EQ(slots[1].environment, Names{"CUDA_VISIBLE_DEVICES=GPU-abc"});
  EXPECT_EQ(slots[0].share, 1);
  const std::vector<Slot> three = make_slots("cuda", 3);  // two on the first
  EXPECT_EQ(three[2].environment, Names{"CUDA_VISIBLE_DEVICES=2"});
  EXPECT_EQ(three[0].share, 0.5);
  EXPECT_EQ(three[1].share, 1);
}

TEST_F(SlotsTest, GpusAreDeviceFiles) {
  const TemporaryFolder folder;
  for (const char* name : {"nvidia0", "nvidia3", "nvidiactl", "nvidia-uvm", "null"})
    std::ofstream(folder.path() / name) << "";
  EXPECT_EQ(visible_gpus(folder.path()), (Names{"0", "1"}));
  setenv("CUDA_VISIBLE_DEVICES", "", 1);
  EXPECT_TRUE(visible_gpus(folder.path()).empty());
}

TEST_F(SlotsTest, WithoutAGpuOneCellAtATimeSaysSo) {
  setenv("CUDA_VISIBLE_DEVICES", "", 1);
  EXPECT_EQ(make_slots("cuda", std::nullopt).size(), 1U);
  EXPECT_EQ(make_slots("cuda:1", std::nullopt).size(), 1U);
}

}  // namespace
}  // namespace dtbench
