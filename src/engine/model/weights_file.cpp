#include "engine/model/weights_file.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "data/weights_files.h"

namespace dtbench {
namespace {

// What torch.compile and DistributedDataParallel put before the names of the model they wrap.
constexpr std::array<std::string_view, 2> kWrappers = {"_orig_mod.", "module."};

at::ScalarType floating_type(const std::filesystem::path& path, const std::string& name,
                             const std::string& dtype) {
  static const std::map<std::string, at::ScalarType> kTypes = {
      {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}};
  const auto found = kTypes.find(dtype);
  if (found == kTypes.end())
    throw usage_error(concat("'", path.string(), "': tensor '", name,
                             "' must be F64, F32, F16 or BF16, got ", dtype, "."),
                      "Save the weights in one of these.");
  return found->second;
}

// One pass over the files' tensors and one over the parameters.
class Loader {
 public:
  Loader(const WeightsRequest& request, const WeightNames& names, ParameterSet& parameters)
      : request_(request), names_(names), parameters_(parameters), files_(request.path) {
    for (const Parameter& parameter : parameters.all())
      known_.insert(parameter.name);
    for (const auto& [name, tensor] : files_.tensors())
      place(name);
  }

  LoadedWeights load() {
    LoadedWeights loaded;
    loaded.fingerprint = weights_fingerprint(request_.path);
    bool has_head = false;
    for (const Parameter& parameter : parameters_.all()) {
      const bool of_head = is_of_head(parameter.name);
      has_head |= of_head;
      const std::string* source = of_head && request_.draw_head ? nullptr : source_of(parameter);
      if (source == nullptr && !of_head) throw lacks(parameter);
      if (source == nullptr)
        loaded.newly_drawn.push_back(parameter.name);
      else
        copy(*source, parameter, of_head);
    }
    if (request_.draw_head && !has_head)
      throw usage_error("This model's head has no weights of its own that could be drawn again.",
                        "Leave model.init_head out.");
    if (const std::vector<std::string> unknown = unknown_tensors(); !unknown.empty())
      throw usage_error(concat(holds(unknown), ", which this model does not have."),
                        "Check that the preset has as many layers as the checkpoint.");
    require_ties();
    for (const auto& [name, tensor] : files_.tensors())
      if (!used_.contains(name)) loaded.ignored.push_back(name);
    return loaded;
  }

 private:
  std::string path() const { return request_.path.string(); }

  // A tensor's name in the file -> the name that Transformers gives it.
  std::string canonical(std::string_view name) const {
    for (bool unwrapped = true; unwrapped;) {
      unwrapped = false;
      for (const std::string_view wrapper : kWrappers)
        if (name.starts_with(wrapper)) {
          name.remove_prefix(wrapper.size());
          unwrapped = true;
        }
    }
    std::string text(name);
    for (const WeightNames::Ending& ending : names_.endings)
      if (name.ends_with(ending.theirs))
        text.replace(text.size() - ending.theirs.size(), ending.theirs.size(), ending.ours);
    return !known_.contains(text) && known_.contains(names_.body + text) ? names_.body + text
                                                                         : text;
  }

  void place(const std::string& name) {
    const auto [entry, is_new] = placed_.emplace(canonical(name), name);
    if (is_new) return;
    throw usage_error(concat("'", path(), "' holds both '", entry->second, "' and '", name,
                             "', which are names of one tensor."),
                      "Save the weights of one model.");
  }

  bool is_of_head(std::string_view name) const {
    return std::any_of(names_.heads.begin(), names_.heads.end(),
                       [&](const std::string& head) { return name.starts_with(head); });
  }

  const std::string* name_in_file(const std::string& canonical_name) const {
    const auto found = placed_.find(canonical_name);
    return found == placed_.end() ? nullptr : &found->second;
  }

  // Under its own name, or under the one that it is tied to; null: not there.
  const std::string* source_of(const Parameter& parameter) const {
    const std::string* source = name_in_file(parameter.name);
    for (const WeightNames::Tie& tie : names_.ties)
      if (source == nullptr && tie.parameter == parameter.name) source = name_in_file(tie.copy);
    return source;
  }

  // On the file's bytes, which are mapped read-only: for reading.
  at::Tensor tensor(const std::string& name) const {
    const TensorView& view = files_.tensors().at(name);
    const at::ScalarType type = floating_type(request_.path, name, view.dtype);
    return at::from_blob(const_cast<std::byte*>(view.data), view.shape, type);
  }

  void copy(const std::string& name, const Parameter& parameter, bool of_head) {
    const TensorView& view = files_.tensors().at(name);
    if (at::IntArrayRef(view.shape) != parameter.value.sizes())
      throw usage_error(
          concat("'", path(), "': tensor '", name, "' has shape ", at::IntArrayRef(view.shape),
                 ", the model's is ", parameter.value.sizes(), "."),
          of_head ? "It belongs to the head: --set model.init_head=drawn loads the "
                    "body and draws a new head."
                  : "Check that the preset's layers, width, positions and vocabulary "
                    "match the checkpoint's.");
    const at::Tensor values = tensor(name);
    // F64 may hold what is infinite in fp32: no policy could train from that.
    const bool in_fp64 = parameter.value.scalar_type() == at::kDouble;
    if (!at::isfinite(in_fp64 ? values : values.to(at::kFloat)).all().item<bool>())
      throw usage_error(concat("'", path(), "': tensor '", name,
                               "' holds values that are not finite", in_fp64 ? "." : " in fp32."),
                        "Use weights that training can start from.");
    parameter.value.copy_(values);
    used_.insert(name);
  }

  // What neither this model nor another one of the family's uses.
  std::vector<std::string> unknown_tensors() const {
    std::vector<std::string> unknown;
    for (const auto& [canonical_name, name] : placed_) {
      std::string_view bare = canonical_name;
      if (!names_.body.empty() && bare.starts_with(names_.body))
        bare.remove_prefix(names_.body.size());
      const bool unused = names_.unused != nullptr && names_.unused(bare);
      if (!known_.contains(canonical_name) && !is_of_head(canonical_name) && !unused)
        unknown.push_back(name);
    }
    return unknown;
  }

  std::string holds(const std::vector<std::string>& tensors) const {
    if (tensors.size() == 1) return concat("'", path(), "' holds the tensor '", tensors[0], "'");
    constexpr std::size_t kShown = 3;
    const std::size_t shown = std::min(kShown, tensors.size());
    const std::string list = join({tensors.begin(), tensors.begin() + shown}, "', '");
    const std::string rest =
        tensors.size() > shown ? concat(" and ", tensors.size() - shown, " more") : "";
    return concat("'", path(), "' holds the tensors '", list, "'", rest);
  }

  Error lacks(const Parameter& parameter) const {
    const std::vector<std::string> unknown = unknown_tensors();
    const std::string there =
        unknown.empty() ? "" : concat(" ", holds(unknown), ", which this model does not have.");
    return usage_error(concat("'", path(), "' lacks the tensor '", parameter.name, "'.", there),
                       "Check that the file holds weights of this architecture and size.");
  }

  // A language model's head shares its weights with the embedding. Of a checkpoint whose head has
  // weights of its own, half would be dropped. In the file's datatypes: the policy's may hide it.
  void require_ties() const {
    if (!request_.language_model) return;
    for (const WeightNames::Tie& tie : names_.ties) {
      const std::string* copy = name_in_file(tie.copy);
      const std::string* own = name_in_file(tie.parameter);
      if (copy == nullptr || own == nullptr || !used_.contains(*own)) continue;
      const at::Tensor values = tensor(*copy), expected = tensor(*own);
      const bool equal = values.scalar_type() == expected.scalar_type()
                             ? at::equal(values, expected)
                             : at::equal(values.to(at::kDouble), expected.to(at::kDouble));
      if (!equal)
        throw usage_error(concat("'", path(), "': tensor '", *copy, "' is not '", *own,
                                 "', and this model has one tensor for both."),
                          "Use a checkpoint whose head is tied to the word embeddings.");
    }
  }

  const WeightsRequest& request_;
  const WeightNames& names_;
  ParameterSet& parameters_;
  WeightsFiles files_;
  std::set<std::string> known_;                // the parameters' names
  std::map<std::string, std::string> placed_;  // Transformers' name -> the file's
  std::set<std::string> used_;                 // the file's
};

}  // namespace

LoadedWeights load_weights(const WeightsRequest& request, const WeightNames& names,
                           ParameterSet& parameters) {
  return Loader(request, names, parameters).load();
}

}  // namespace dtbench
