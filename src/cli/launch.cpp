#include "cli/launch.h"

#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/stop_signals.h"
#include "base/text.h"
#include "base/torchrun.h"
#include "cli/amounts.h"
#include "cli/gpu_line.h"
#include "cli/health_option.h"
#include "cli/notes.h"
#include "config/memory_estimate.h"
#include "config/model_shape.h"
#include "record/health_text.h"
#include "record/profile_text.h"
#include "record/run_directory.h"
#include "record/run_summary.h"
#include "sweep/cell_shape.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

Json costs(const RunSpec& spec, const fs::path& configs) {
  const ShapeBeforeData known = shape_before_data(spec, configs);
  if (!known.shape)
    return {{"parameters", nullptr},
            {"flops_per_full_step", nullptr},
            {"memory_estimate_bytes", nullptr},
            {"unknown", known.unknown}};
  const ModelShape& shape = *known.shape;
  const StepFlops flops = step_flops(shape, full_step(spec));
  const MemoryEstimate memory = estimate_memory(spec, shape);
  return {{"parameters", parameter_count(shape)},
          {"flops_per_full_step", {{"needed", flops.needed}, {"palm", flops.palm}}},
          {"memory_estimate_bytes",
           {{"parameters", memory.parameters},
            {"gradients", memory.gradients},
            {"optimizer_state", memory.optimizer_state},
            {"activations", memory.activations},
            {"total", memory.total}}}};
}

void print_dry_run(const RunSpec& spec, const fs::path& run, const fs::path& configs) {
  Json answer = costs(spec, configs);
  answer["cell_id"] = cell_id(spec);
  answer["run_directory"] = run.string();
  answer["spec"] = to_json(spec);
  std::cout << json_text(answer, 1) << '\n';
}

[[noreturn]] void become(std::vector<std::string> command) {
  std::vector<char*> pointers;
  for (std::string& argument : command)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::cout.flush();
  // The engine, which takes seconds to load, finds what is sent to it meanwhile, and saves.
  const StopSignalsHeld until_it_is_there;
  execv(pointers.front(), pointers.data());
  throw system_error("Cannot execute", command.front());
}

// Under torchrun the cell has as many processes as were started.
RunSpec resolve_launched(ResolveRequest request, const std::optional<TorchrunRank>& launched) {
  if (launched)
    request.environment.push_back(
        {"train.processes", std::to_string(launched->processes), "WORLD_SIZE"});
  return resolve(request);
}

// Not the first process of its cell: it prepares what its machine needs. The first has the record.
void follow(const RunSpec& spec, const LaunchOptions& options, const fs::path& configs) {
  const OldRecord old_record = options.rerun ? OldRecord::kIgnore : OldRecord::kGoOn;
  const PreparedCell cell = prepare_cell(spec, options.out, configs, old_record);
  EngineOptions engine = options.engine;
  engine.records = false;
  if (!cell.finished) become(engine_command(cell, engine));
}

}  // namespace

void add_launch_options(CLI::App& command, LaunchOptions& options) {
  command.add_option("--out", options.out, "root folder of records (default: runs)");
  command.add_flag("--dry-run", options.dry_run,
                   "print the resolved spec and its costs as JSON; train nothing");
  command.add_flag("--rerun", options.rerun,
                   "train again even if the cell has a record, and move that record aside");
  command.add_flag("--keep-checkpoint", options.engine.keep_checkpoint,
                   "keep the checkpoint when the cell has finished");
  command.add_flag(
      "--profile", options.engine.profile,
      "after training, run extra steps to time each operation; print and record the profile");
  add_health_option(command, options.engine.health);
  add_price_option(command, options.price_per_hour);
  command
      .add_option("--checkpoint-every", options.engine.checkpoint_every,
                  "write a checkpoint every N steps (default: 0, which means every 5 minutes)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000'000}));
}

void launch(const ResolveRequest& request, const LaunchOptions& options) {
  EngineOptions engine = options.engine;
  const std::optional<TorchrunRank> launched = torchrun_rank();
  const RunSpec spec = resolve_launched(request, launched);
  const bool follows = launched && launched->rank > 0;
  engine.price_per_hour = price_per_hour(options.price_per_hour, spec.device);
  const fs::path run = fs::path(options.out) / cell_id(spec);
  if (options.dry_run) {
    if (!follows) print_dry_run(spec, run, request.configs);
    return;
  }

  require_device_said(request, {&spec});
  if (follows) return follow(spec, options, request.configs);
  const OldRecord old_record = options.rerun ? OldRecord::kSetAside : OldRecord::kGoOn;
  const PreparedCell cell = prepare_cell(spec, options.out, request.configs, old_record);
  if (cell.finished) {
    std::cout << run.string() << '\n' << one_line(summary_of(read_run(run))) << '\n';
    if (options.engine.profile && read_profile(run).is_null())
      log_warning("the cell is complete and has no profile; --rerun trains it again, with one");
    if (options.engine.health != HealthLevel::kOff && read_health(run).empty())
      log_warning(
          "the cell is complete and has no health.jsonl; --rerun trains it again, with one");
    return;
  }
  const std::vector<std::string> command = engine_command(cell, engine);
  log_info(concat("scenario ", spec.scenario, ", policy ", spec.policy.name, ", preset ",
                  spec.preset, ", seed ", spec.seed, ": record in ", run.string()));
  log_gpus(spec.device, spec.train.processes);
  note_long_warm_ups({&spec});
  become(command);
}

}  // namespace dtbench
