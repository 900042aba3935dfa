#include "engine/forensics/module_places.h"

#include <algorithm>
#include <string_view>

#include "engine/model/module_names.h"

namespace dtbench {
namespace {

// What two names have in common, part by part.
std::string common_parts(std::string_view a, std::string_view b) {
  const auto ended = [](std::string_view name, std::size_t length) {
    return length == name.size() || name[length] == '.';
  };
  std::size_t common = 0;
  for (std::size_t i = 0; i <= std::min(a.size(), b.size()); ++i) {
    if (ended(a, i) && ended(b, i)) common = i;
    if (i == a.size() || i == b.size() || a[i] != b[i]) break;
  }
  return std::string(a.substr(0, common));
}

class PlaceFinder : public NodeObserver {
 public:
  void on_node(const Node& node, Phase, at::TensorList, at::TensorList) override {
    // The last product of a model makes its logits.
    if (node.operation == "linear" || node.operation == "conv1d") found_.head = node.module;
    if (node.layer < 0) return;
    const auto layer = static_cast<std::size_t>(node.layer);
    if (layer >= found_.layers.size()) {
      found_.layers.resize(layer + 1, std::string(node.module));
      found_.attentions.resize(layer + 1);
    }
    found_.layers[layer] = common_parts(found_.layers[layer], node.module);
    if (node.operation == "attention") found_.attentions[layer] = node.module;
  }

  ModulePlaces found() {
    found_.trunk = found_.layers.front().substr(0, found_.layers.front().find('.'));
    return found_;
  }

 private:
  ModulePlaces found_;
};

}  // namespace

ModulePlaces module_places(const Trainer& trainer) {
  PlaceFinder finder;
  pass_of_one_token(trainer.model(), compute_rules(trainer.spec().policy), trainer.device(),
                    {.observer = &finder});
  return finder.found();
}

}  // namespace dtbench
