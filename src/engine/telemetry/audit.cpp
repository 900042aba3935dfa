#include "engine/telemetry/audit.h"

#include <torch/version.h>

#include <set>
#include <string>

#include "base/error.h"
#include "base/program.h"
#include "base/text.h"
#include "config/extension.h"
#include "engine/numerics/device.h"
#include "engine/numerics/plugin.h"
#include "engine/numerics/scalar_type.h"
#include "record/run_directory.h"

namespace dtbench {
namespace {

// Each once, as policies name them: "fp32", or "blockwise_8bit, fp32".
std::string state_datatypes(const Optimizer& optimizer) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : optimizer.named_states()) {
    if (!name.starts_with("exp_avg.")) continue;
    const at::ScalarType type = tensor.scalar_type();
    names.insert(type == at::kByte ? to_string(StateFormat::kBlockwise8Bit)
                                   : to_string(dtype_of(type)));
  }
  return join({names.begin(), names.end()}, ", ");
}

}  // namespace

Json make_audit(const Trainer& trainer, const Json& precision_switches,
                const std::vector<CanaryCheck>& canary, const Json& sources) {
  const ModelShape& shape = trainer.shape();
  const StoreMeta& data = trainer.store().meta();
  const Parameter& any = trainer.parameters().all().front();
  Json program = program_identity();
  if (trainer.device().is_cuda()) program["cuda_plugin"] = cuda_plugin_identity();
  if (const Json extensions = extension_hashes(); !extensions.empty())
    program["extensions"] = extensions;
  return {{"schema_version", kSchemaVersion},
          {"cell_id", cell_id(trainer.spec())},
          {"identity",
           {{"program", program},
            {"torch", TORCH_VERSION},
            {"device", describe_device(trainer.device())},
            {"data_fingerprint", data.fingerprint},
            {"data_content_fingerprint", data.content_fingerprint()},
            {"initial_weights_file", trainer.loaded().fingerprint},
            {"initial_draws_fingerprint", trainer.parameters().draws_fingerprint()},
            {"initial_weights_fingerprint", trainer.parameters().fingerprint()}}},
          {"sources", sources},
          {"precision_switches", precision_switches},
          {"canary", to_json(canary)},
          {"datatypes",
           {{"parameters", to_string(dtype_of(any.value.scalar_type()))},
            {"optimizer_states", state_datatypes(trainer.update().optimizer())}}},
          {"model",
           {{"parameters", trainer.parameters().element_count()},
            {"vocab", shape.vocab},
            {"labels", shape.labels},
            {"newly_drawn", trainer.loaded().newly_drawn},
            {"ignored_tensors", trainer.loaded().ignored}}},
          {"data",
           {{"name", data.name},
            {"synthetic", data.synthetic},
            {"counts", data.counts},
            {"train_examples", trainer.batches().examples(Split::kTrain)},
            {"validation_examples", trainer.batches().examples(Split::kValidation)},
            {"evaluated_examples", trainer.evaluation_examples()}}}};
}

std::string identity_differences(const Json& recorded, const Json& present) {
  std::string list;
  for (const Json& change : Json::diff(recorded, present)) {
    const Json::json_pointer place(change.at("path").get<std::string>());
    const Json before = recorded.contains(place) ? recorded.at(place) : Json();
    list += concat("\n  ", change.at("path").get<std::string>(), ": recorded ", before.dump(),
                   ", now ", change.contains("value") ? change.at("value").dump() : "absent");
  }
  return list;
}

void require_same_identity(const Json& recorded, const Json& present) {
  const std::string list = identity_differences(recorded.at("identity"), present.at("identity"));
  if (list.empty()) return;
  throw usage_error(
      "The record was started under different conditions, so resuming would mix two runs:" + list,
      "Use the same program, data and machine as before, or --rerun to retrain.");
}

}  // namespace dtbench
