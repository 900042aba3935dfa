#include "config/weights_path.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace dtbench {
namespace {

// What torch.save's files are called, and the index of several.
constexpr std::array<std::string_view, 5> kPickles = {".bin", ".pt", ".pth", ".ckpt",
                                                      ".bin.index.json"};

// "model-00001-of-00003.safetensors": what comes before the numbers, and how many there are; 1 for
// a name of another form.
struct Shard {
  std::string_view stem;
  int count = 1;
};

std::optional<int> number(std::string_view digits) {
  int value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
  return error == std::errc() && end == digits.end() ? std::optional(value) : std::nullopt;
}

Shard shard_of(std::string_view path) {
  constexpr std::string_view kForm = "-00001-of-00003.safetensors";
  if (path.size() < kForm.size()) return {path};
  const std::string_view stem = path.substr(0, path.size() - kForm.size());
  const std::string_view end = path.substr(stem.size());
  const auto count = number(end.substr(10, 5));
  const bool fits = end[0] == '-' && number(end.substr(1, 5)) && end.substr(6, 4) == "-of-" &&
                    count && end.ends_with(".safetensors");
  return fits ? Shard{stem, *count} : Shard{path};
}

}  // namespace

bool is_weights_index(std::string_view path) {
  return path.ends_with(".safetensors.index.json");
}

Error pickle_of_torch(std::string_view path) {
  return usage_error(
      concat("'", path, "' holds a pickle of torch (pytorch_model.bin), which can run ",
             "code when it is read; expected safetensors."),
      "Take the repository's model.safetensors, or write one: python -c \"import torch, "
      "safetensors.torch as s; s.save_file({k: v.clone() for k, v in "
      "torch.load('pytorch_model.bin', weights_only=True).items()}, 'model.safetensors')\"");
}

void require_weights_path(const std::string& init) {
  if (const Shard shard = shard_of(init); shard.count > 1)
    throw usage_error(concat("'", init, "' is one of ", shard.count,
                             " files (shards) that hold a model's weights together."),
                      concat("Name their index: ", shard.stem, ".safetensors.index.json"));
  if (init == "scratch" || init.ends_with(".safetensors") || is_weights_index(init)) return;
  if (std::any_of(kPickles.begin(), kPickles.end(),
                  [&](std::string_view ending) { return init.ends_with(ending); }))
    throw pickle_of_torch(init);
  throw usage_error(concat("'model.init' must be one of scratch, pretrained, FILE.safetensors, ",
                           "FILE.safetensors.index.json, got '", init, "'."),
                    suggestion(init, {"scratch", "pretrained"}));
}

}  // namespace dtbench
