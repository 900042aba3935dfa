// dtbench-engine: trains one cell. `dtbench run` resolves the spec, prepares the store and executes
// it.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>

#include "base/error.h"
#include "base/program.h"
#include "config/extension.h"
#include "engine/cell.h"
#include "engine/doctor.h"
#include "engine/forensics/explain.h"
#include "engine/forensics/explain_against.h"
#include "engine/numerics/cpu_allocator.h"

namespace {

int parse_and_run(int argc, char** argv) {
  CLI::App app("Trains one cell of the Datatype Dynamics Bench, from a run directory's spec.json.",
               "dtbench-engine");
  app.set_version_flag("--version", dtbench::program_version());
  app.require_subcommand(1);
  dtbench::CellOptions options;
  app.fallthrough();
  app.add_option_function<std::vector<std::string>>(
         "--extension",
         [](const std::vector<std::string>& files) {
           for (const std::string& file : files)
             dtbench::load_extension(file, dtbench::ExtensionHalf::kEngine);
         },
         "NAME.so, whose other half NAME-engine.so is loaded; repeatable")
      ->allow_extra_args(false)
      ->trigger_on_parse();
  CLI::App* run = app.add_subcommand("run", "train or resume the cell of a run directory");
  run->add_option("--run-dir", options.run_directory, "directory with spec.json")->required();
  run->add_option("--store", options.store, "tokenized store that `dtbench` prepared")->required();
  run->add_option("--initial-weights", options.initial_weights,
                  "the safetensors file, if the spec's model.init is on the Hub");
  run->add_option("--sources", options.sources, "JSON for the audit: commits of downloaded files");
  run->add_option("--session", options.session, "for the audit: cells timed without a break");
  run->add_flag("--keep-checkpoint", options.keep_checkpoint,
                "keep the checkpoint of a finished cell");
  run->add_flag("--profile", options.profile,
                "after training, time some more steps by operation, for the record");
  run->add_option_function<std::string>(
         "--health",
         [&](const std::string& name) {
           options.health = *dtbench::enum_from<dtbench::HealthLevel>(name);
         },
         "record the run's numeric health: off, light or full")
      ->check(CLI::IsMember(dtbench::all_names<dtbench::HealthLevel>()));
  run->add_option("--checkpoint-every", options.checkpoint_every,
                  "write a checkpoint every N steps; 0: every five minutes")
      ->check(CLI::NonNegativeNumber);
  run->add_option("--price-per-hour", options.price_per_hour, "USD, for the record");
  std::string device;
  CLI::App* doctor =
      app.add_subcommand("doctor", "print as JSON what this build and device can do");
  doctor->add_option("--device", device, "cpu, cuda or cuda:N (default: cuda if there is a GPU)");
  dtbench::ExplainOptions inquiry;
  CLI::App* explain = app.add_subcommand("explain", "explain why the cell of a run directory died");
  explain->add_option("--run-dir", inquiry.run_directory, "directory of a run that has ended")
      ->required();
  explain->add_option("--store", inquiry.store, "tokenized store that `dtbench` prepared")
      ->required();
  explain->add_option("--initial-weights", inquiry.initial_weights,
                      "the safetensors file, if the spec's model.init is on the Hub");
  explain->add_option("--replays", inquiry.replays, "replays with moved initial weights")
      ->check(CLI::Range(0, 1000));
  dtbench::ShadowOptions comparison;
  std::string against;
  CLI::App* shadow = app.add_subcommand(
      "shadow",
      "print as JSON how a run directory's cell differs from another, operation by operation");
  shadow->add_option("--run-dir", comparison.run_directory, "directory of the run")->required();
  shadow->add_option("--store", comparison.store, "tokenized store that `dtbench` prepared")
      ->required();
  shadow->add_option("--initial-weights", comparison.initial_weights,
                     "the safetensors file, if the spec's model.init is on the Hub");
  shadow->add_option("--against", against, "JSON: the other cell's spec")->required();
  shadow->add_option("--from", comparison.from, "the first step that is compared")
      ->check(CLI::NonNegativeNumber);
  shadow->add_option("--steps", comparison.steps, "how many steps")->check(CLI::PositiveNumber);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(dtbench::ExitCode::kUsage);
  }
  if (*doctor) {
    std::cout << dtbench::examine(device).dump(1) << '\n';
    return static_cast<int>(dtbench::ExitCode::kDone);
  }
  if (*explain) {
    dtbench::explain(inquiry);
    return static_cast<int>(dtbench::ExitCode::kDone);
  }
  if (*shadow) {
    comparison.against = dtbench::parse_json(against);
    std::cout << dtbench::json_text(dtbench::explain_against(comparison)) << '\n';
    return static_cast<int>(dtbench::ExitCode::kDone);
  }
  return static_cast<int>(dtbench::run_cell(options));
}

// Memory that runs out while torch's libraries set themselves up, before main, is an error like any
// later one: they throw std::bad_alloc, which nobody can catch.
void no_memory_yet() {
  try {
    std::rethrow_exception(std::current_exception());
  } catch (const std::bad_alloc&) {
    constexpr char kMessage[] = "error: out of memory while torch was loaded\n";
    if (write(STDERR_FILENO, kMessage, sizeof kMessage - 1) > 0)
      _exit(static_cast<int>(dtbench::ExitCode::kPermanent));
  } catch (...) {
  }
  std::abort();
}

void watch_memory_while_loading() {
  std::set_terminate(no_memory_yet);
}

// The loader calls these functions before those of any library.
[[gnu::section(".preinit_array"), gnu::used]] void (*const kFirst)() = watch_memory_while_loading;

}  // namespace

int main(int argc, char** argv) {
  std::set_terminate(std::abort);
  dtbench::install_block_cache();
  return dtbench::run_program([&] { return parse_and_run(argc, argv); });
}
