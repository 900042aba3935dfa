// What libFuzzer calls, compiled for one harness each.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto fault = dtbench::fault_of(dtbench::DTBENCH_HARNESS, text)) {
    std::fprintf(stderr, "fault: %s\n", fault->c_str());
    std::abort();
  }
  return 0;
}
