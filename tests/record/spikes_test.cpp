#include "record/spikes.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dtbench {
namespace {

// Mean 0.5, deviation 0.5: a spike is above 0.5 + 6 x 0.5.
TEST(SpikeWatch, CallsWhatIsSixDeviationsAboveTheWindow) {
  const auto after_window = [](double value) {
    SpikeWatch watch;
    for (int i = 0; i < 128; ++i)
      EXPECT_FALSE(watch.add(i % 2));
    return watch.add(value);
  };
  EXPECT_FALSE(after_window(3.5));
  EXPECT_FALSE(after_window(-100));
  EXPECT_FALSE(after_window(std::nan("")));
  ASSERT_TRUE(after_window(3.6));
  EXPECT_NEAR(*after_window(3.6), 6.2, 1e-12);
  SpikeWatch young;
  for (int i = 0; i < 127; ++i)
    young.add(i % 2);
  EXPECT_FALSE(young.add(1e9));
}

}  // namespace
}  // namespace dtbench
