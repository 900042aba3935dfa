// What a pod's answer says of its price. Asking for it: tests/cli/test_pod_price.py.
#include "sweep/pod_price.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace dtbench {
namespace {

std::string fault_of(const HttpAnswer& answer) {
  try {
    read_pod_price(answer);
  } catch (const std::runtime_error& fault) {
    return fault.what();
  }
  return "none";
}

// The reference's example of an answer, shortened.
TEST(PodPrice, IsReadFromTheApisAnswer) {
  const PodPrice pod = read_pod_price(
      {200,
       R"({"id": "7h9k2m4n6p", "gpu": {"id": "NVIDIA GeForce RTX 4090", "count": 4}, "cost": 1.76})"});
  EXPECT_EQ(pod.usd_per_hour, 1.76);
  EXPECT_EQ(pod.gpus, 4);
  EXPECT_DOUBLE_EQ(price_of_device(pod, "cuda"), 0.44);
  EXPECT_DOUBLE_EQ(price_of_device(pod, "cuda:3"), 0.44);
  EXPECT_EQ(price_of_device(pod, "cpu"), 1.76);  // a CPU takes the whole machine
}

TEST(PodPrice, CountsOneGpuWhereTheCountIsLeftOut) {
  EXPECT_EQ(read_pod_price({200, R"({"gpu": {"id": "NVIDIA A40"}, "cost": 0.44})"}).gpus, 1);
  const PodPrice without = read_pod_price({200, R"({"cpu": {"id": "cpu5c"}, "cost": 0.07})"});
  EXPECT_EQ(without.gpus, 0);
  EXPECT_EQ(price_of_device(without, "cuda"), 0.07);
}

TEST(PodPrice, RefusesWhatIsNoPrice) {
  EXPECT_EQ(fault_of({200, "[1]"}), "its answer is no JSON object");
  EXPECT_EQ(fault_of({200, "{\"cost\""}), "its answer is no JSON object");
  for (const char* body : {"{}", R"({"cost": "0.44"})", R"({"cost": null})", R"({"cost": true})"})
    EXPECT_EQ(fault_of({200, body}), "its answer has no 'cost'") << body;
  for (const char* body : {R"({"cost": 0.0})", R"({"cost": -1})"})
    EXPECT_EQ(fault_of({200, body}), "it tells a cost of 0, as of a pod that is stopped") << body;
  EXPECT_EQ(fault_of({401, "{}"}), "HTTP status 401 (it does not accept the key)");
  EXPECT_EQ(fault_of({204, ""}), "HTTP status 204");
}

}  // namespace
}  // namespace dtbench
