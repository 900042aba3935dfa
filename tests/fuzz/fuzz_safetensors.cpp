#include "data/safetensors.h"
#include "fuzz/harness.h"

namespace dtbench {

void fuzz_safetensors(std::string_view bytes) {
  const SafetensorsFile file(scratch_file("safetensors", "model.safetensors", bytes));
  std::size_t total = 0;
  unsigned sum = 0;
  for (const auto& [name, tensor] : file.tensors()) {
    total += tensor.bytes;
    for (std::size_t i = 0; i < tensor.bytes; ++i)
      sum += std::to_integer<unsigned>(tensor.data[i]);
  }
  require(total <= bytes.size() && sum <= 255 * bytes.size(), "tensors are bytes of the file");
}

}  // namespace dtbench
