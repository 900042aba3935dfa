#include "config/built_in_families.h"

namespace dtbench {

template <>
Registry<ModelFamily>& registry<ModelFamily>() {
  static Registry<ModelFamily> families = [] {
    Registry<ModelFamily> built_in("model family");
    built_in.add(describe_gpt2());
    built_in.add(describe_roberta());
    return built_in;
  }();
  return families;
}

const ModelFamily& register_model_family(ModelFamily family) {
  const bool complete = family.embedding_parameters && family.trunk_parameters &&
                        family.head_parameters && family.layer_matmul_weights &&
                        family.head_matmul_weights && family.mlp_width && family.kept_by_layer &&
                        family.mask_bytes && !family.name.empty() && !family.tokens.end.empty() &&
                        !family.tokens.pad.empty();
  if (!complete)
    throw usage_error(concat("The model family '", family.name, "' is incomplete."),
                      "config/model_family.h says what an entry needs.");
  return registry<ModelFamily>().add(std::move(family));
}

Registered<ModelFamily> gpt2_family() {
  static const ModelFamily& family = *registry<ModelFamily>().find("gpt2");
  return family;
}

Registered<ModelFamily> roberta_family() {
  static const ModelFamily& family = *registry<ModelFamily>().find("roberta");
  return family;
}

}  // namespace dtbench
