#include "engine/numerics/device.h"

#include <gtest/gtest.h>

#include <numeric>

namespace dtbench {
namespace {

// As Python's uuid.UUID(bytes=bytes(range(1, 17))).
TEST(Device, AUuidIsWrittenInGroups) {
  std::array<unsigned char, 16> bytes{};
  std::iota(bytes.begin(), bytes.end(), static_cast<unsigned char>(1));
  EXPECT_EQ(uuid_text(bytes), "01020304-0506-0708-090a-0b0c0d0e0f10");
}

TEST(Device, ACpuIsNoCard) {
  EXPECT_TRUE(card_uuid(c10::Device(c10::kCPU)).is_null());
}

}  // namespace
}  // namespace dtbench
