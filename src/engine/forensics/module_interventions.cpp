#include "engine/forensics/module_interventions.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "config/module_pattern.h"

namespace dtbench {
namespace {

using Modules = std::vector<std::string>;

class Candidates {
 public:
  explicit Candidates(const std::optional<Origin>& origin) : origin_(origin) {}

  void add(const char* id, const std::string& what, const Modules& modules) {
    using enum Mechanism;
    std::vector<Mechanism> removes;
    if (holds_origin(modules)) removes = {kScoreOverflow, kActivationOverflow, kGradientOverflow};
    all_.push_back({id, what + " in fp32", removes, {}, [modules](RunSpec& spec) {
                      std::vector<PolicyException>& exceptions = spec.policy.exceptions;
                      for (const std::string& module : modules)
                        exceptions.push_back({module, Dtype::kFloat32});
                      return true;
                    }});
  }

  std::vector<Candidate> take() { return std::move(all_); }

 private:
  bool holds_origin(const Modules& modules) const {
    return origin_ && std::ranges::any_of(modules, [&](const std::string& module) {
             return covers_module(module, origin_->module);
           });
  }

  const std::optional<Origin>& origin_;
  std::vector<Candidate> all_;
};

}  // namespace

std::vector<Candidate> module_candidates(const RunSpec& spec, const ModulePlaces& places,
                                         const std::optional<Origin>& origin) {
  if (!is_16_bit(spec.policy.compute)) return {};
  Candidates candidates(origin);
  candidates.add("logits", "logits", {places.head});
  const std::size_t layers = places.layers.size();
  if (origin && origin->layer >= 0) {
    const auto layer = static_cast<std::size_t>(origin->layer), other = (layer + 1) % layers;
    candidates.add("attention", concat("attention of layer ", layer), {places.attentions[layer]});
    candidates.add("layer", concat("layer ", layer), {places.layers[layer]});
    if (other != layer)
      candidates.add("other_layer", concat("layer ", other), {places.layers[other]});
  }
  candidates.add("attentions", "attention of every layer", places.attentions);
  candidates.add("trunk", "all modules but the head", {places.trunk});
  return candidates.take();
}

}  // namespace dtbench
