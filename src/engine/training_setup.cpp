#include "engine/training_setup.h"

#include <unistd.h>

#include <array>

#include "base/error.h"
#include "base/text.h"
#include "engine/distributed/rank_reducer.h"
#include "engine/numerics/device.h"
#include "engine/numerics/float32_precision.h"
#include "engine/numerics/support.h"
#include "engine/telemetry/audit.h"
#include "engine/train/checkpoint.h"

namespace dtbench {
namespace {

void require_processes(const RunSpec& spec, const Ranks* ranks) {
  const std::int64_t started = ranks == nullptr ? 1 : ranks->size();
  if (spec.train.processes == started) return;
  throw usage_error(
      concat("The cell is one of ", spec.train.processes, " processes ('train.processes'), but ",
             started, started == 1 ? " was" : " were", " started."),
      concat("torchrun --no-python --nproc-per-node ", spec.train.processes, " dtbench run ...; a ",
             "matrix trains cells of one process, without torchrun."));
}

// Each process of a machine has a GPU of its own.
std::string device_of(const RunSpec& spec, const Ranks* ranks) {
  return ranks != nullptr && spec.device == "cuda" ? concat("cuda:", ranks->local_rank())
                                                   : spec.device;
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "?";
}

}  // namespace

TrainingSetup set_up_training(const RunSpec& spec, const CellOptions& options, Ranks* ranks) {
  require_processes(spec, ranks);
  TrainingSetup setup;
  // Before anything of CUDA is loaded: its libraries read their part from the environment.
  setup.precision_switches = set_float32_precision(spec.policy.tf32);
  const DeviceChoice choice = choose_device(device_of(spec, ranks));
  setup.skip = choice.unavailable ? choice.unavailable : unsupported(spec, choice.device);
  if (setup.skip) return setup;

  setup.canary = run_canary(choice.device);
  require_precision(setup.canary, spec.policy.tf32);

  setup.store = std::make_unique<TokenStore>(options.store);
  if (ranks != nullptr) {
    ranks->use(choice.device);
    setup.reducer = std::make_unique<RankReducer>(*ranks);
  }
  setup.trainer = std::make_unique<Trainer>(spec, *setup.store, choice.device,
                                            options.initial_weights, setup.reducer.get());
  return setup;
}

Json require_same_on_all(Ranks& ranks, const Json& identity, const c10::Device& device) {
  Json mine = identity;
  mine["device"].erase("device");  // "cuda:1": each has its own
  const Json about = {{"host", host_name()}, {"device", device.str()}, {"card", card_uuid(device)}};
  Json list = Json::array();
  Json first;
  for (const std::string& text : ranks.gather(Json({{"same", mine}, {"about", about}}).dump())) {
    const Json told = parse_json(text);
    if (list.empty()) first = told.at("same");
    const std::string differences = identity_differences(first, told.at("same"));
    if (!differences.empty())
      throw usage_error(concat("Process ", list.size(), " of the cell, on ",
                               told.at("about").at("host").get<std::string>(),
                               ", computes under other conditions than process 0:", differences),
                        "Use the same program, data and kind of machine for all of them.");
    list.push_back(told.at("about"));
  }
  return list;
}

void share_state(Ranks& ranks, const Trainer& trainer, TrainingState& state) {
  state = training_state_from_json(parse_json(ranks.from_first(canonical_json(to_json(state)))));
  if (state.steps_completed == 0) return;  // all drew, or loaded, the same weights
  for (const auto& [name, tensor] : state_tensors(trainer))
    ranks.copy_from_first(tensor);
}

}  // namespace dtbench
