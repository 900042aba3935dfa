#include "engine/model/model_builder.h"

#include <deque>

#include "base/error.h"
#include "base/text.h"
#include "engine/model/gpt2.h"
#include "engine/model/roberta.h"

namespace dtbench {
namespace {

std::deque<ModelBuilder>& builders() {
  static std::deque<ModelBuilder> all{gpt2_builder(), roberta_builder()};
  return all;
}

}  // namespace

void register_model_builder(const ModelBuilder& builder) {
  builders().push_back(builder);
}

const ModelBuilder& model_builder(std::string_view family) {
  for (const ModelBuilder& builder : builders())
    if (builder.family == family) return builder;
  throw Error(ExitCode::kPermanent,
              concat("This engine cannot build models of the family '", family, "'."),
              "load the extension that brings it (--extension), built with its engine's half");
}

}  // namespace dtbench
