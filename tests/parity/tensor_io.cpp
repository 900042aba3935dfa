#include "parity/tensor_io.h"

#include <ATen/ATen.h>

#include <array>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr std::array<std::pair<const char*, at::ScalarType>, 8> kTypes = {{{"F64", at::kDouble},
                                                                           {"F32", at::kFloat},
                                                                           {"BF16", at::kBFloat16},
                                                                           {"F16", at::kHalf},
                                                                           {"I64", at::kLong},
                                                                           {"I32", at::kInt},
                                                                           {"U8", at::kByte},
                                                                           {"BOOL", at::kBool}}};

at::ScalarType type_named(const std::string& dtype) {
  for (const auto& [name, type] : kTypes)
    if (dtype == name) return type;
  throw usage_error(concat("The probe reads no ", dtype, "."));
}

const char* name_of(at::ScalarType type) {
  for (const auto& [name, known] : kTypes)
    if (type == known) return name;
  throw usage_error(concat("The probe writes no ", c10::toString(type), "."));
}

}  // namespace

NamedTensors read_tensors(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  NamedTensors tensors;
  for (const auto& [name, view] : file.tensors()) {
    auto* bytes = const_cast<std::byte*>(view.data);  // only read from: clone
    tensors[name] = at::from_blob(bytes, view.shape, type_named(view.dtype)).clone();
  }
  return tensors;
}

void write_tensors(const std::filesystem::path& path, const NamedTensors& tensors) {
  NamedTensors kept;
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor& dense = kept[name] = tensor.detach().cpu().contiguous();
    views[name] = {name_of(dense.scalar_type()), dense.sizes().vec(),
                   static_cast<const std::byte*>(dense.const_data_ptr()), dense.nbytes()};
  }
  write_safetensors(path, views, {});
}

}  // namespace dtbench
