// The change that saved a dead cell, as a policy: trained to the end, beside fp32_true and
// amp_bf16.
#include <array>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>

#include "analysis/json_access.h"
#include "base/atomic_file.h"
#include "base/child.h"
#include "base/error.h"
#include "base/log.h"
#include "base/places.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/explanation.h"
#include "cli/find_run.h"
#include "config/config_files.h"
#include "config/write_policy.h"
#include "record/run_directory.h"
#include "sweep/prepared_cell.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

struct RescueOptions {
  std::string run;
  std::string out = "runs";
  std::int64_t steps = 0;  // 0: those of the run
};

struct Rescue {
  DtypePolicy policy;
  std::string change;  // in words
};

Rescue rescue_by(const Json& explanation, const RunSpec& spec) {
  const Json id = member_or_null(explanation, "/proof/change");
  for (const Json& trial : explanation.at("trials")) {
    if (trial.at("id") != id) continue;
    Rescue rescue{policy_from_json(trial.at("policy"), "explain.json"), trial.at("change")};
    rescue.policy.name = concat(spec.policy.name, "_", id.get<std::string>());
    rescue.policy.description = concat(spec.policy.name, " with ", rescue.change);
    return rescue;
  }
  throw Error(ExitCode::kPermanent,
              concat("No change is known that saves this cell: ",
                     text_or(member_or_null(explanation, "/cause"), "cause not known"), "."),
              "'dtbench explain' shows what was tried.");
}

// Trains the cell unless its record is complete, and returns the record.
RunRecord trained(const RunSpec& spec, const fs::path& root) {
  const PreparedCell cell = prepare_cell(spec, root, configs_folder(), OldRecord::kGoOn);
  if (!cell.finished) {
    log_info(concat("training ", spec.policy.name, ": record in ", cell.run.string()));
    const ChildOutput child = run_child(engine_command(cell, {}));
    if (child.status != 0) throw Ended{static_cast<ExitCode>(child.status)};
  }
  return read_run(cell.run);
}

double number(const RunRecord& record, const char* pointer) {
  return number_or_none(member_or_null(record.result, pointer)).value_or(std::nan(""));
}

std::string beside(double value, double reference, const char* format) {
  if (std::isnan(value)) return "-";
  return concat(formatted(format, value), std::isnan(reference) || reference == 0
                                              ? ""
                                              : formatted(" (%.2f x)", value / reference));
}

std::vector<std::string> row(const RunRecord& record, const RunRecord& reference) {
  const auto both = [&](const char* pointer, double unit, const char* format) {
    return beside(number(record, pointer) / unit, number(reference, pointer) / unit, format);
  };
  return {"  " + readable(member_or_null(record.spec, "/policy/name")),
          readable(member_or_null(record.result, "/outcome")),
          readable(member_or_null(record.result, "/steps_completed")),
          formatted("%.4f", number(record, "/convergence/val_loss")),
          both("/throughput/samples_per_s", 1, "%.1f"),
          both("/memory/peak_allocated_bytes", 0x1p20, "%.1f MiB")};
}

void rescue_run(const RescueOptions& options) {
  const fs::path run = find_run(options.run, options.out);
  RunSpec spec = spec_of_run(run);
  const Json explanation = explanation_of({run});
  const Rescue rescue = rescue_by(explanation, spec);
  const fs::path file = run / (rescue.policy.name + ".toml");
  write_file_atomically(file, policy_toml(rescue.policy));
  if (options.steps > 0) spec.train.steps = options.steps;

  std::vector<RunRecord> records;
  for (const DtypePolicy& policy : {load_policy(configs_folder(), "fp32_true"),
                                    load_policy(configs_folder(), "amp_bf16"), rescue.policy}) {
    spec.policy = policy;
    records.push_back(trained(spec, run.parent_path()));
  }
  Rows rows = {{"  policy", "outcome", "steps", "validation loss", "samples/s", "peak memory"}};
  for (const RunRecord& record : records)
    rows.push_back(row(record, records.front()));
  std::cout << "Cause: " << readable(explanation.at("cause")) << " ("
            << readable(explanation.at("verdict")) << "). The change: " << rescue.change << ".\n"
            << aligned(rows, {.first_right = 2}) << "  In parentheses: ratio to fp32_true.\n"
            << "The policy is in " << file.string() << "; use it with --policy FILE.\n";
}

}  // namespace

void add_rescue_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "rescue",
      "find a change under which a dead run survives, retrain with it, and report what it costs");
  const auto options = std::make_shared<RescueOptions>();
  command->add_option("run", options->run, "cell id (or a prefix of it), or a run's folder")
      ->required();
  command->add_option("--out", options->out, "root folder of records (default: runs)");
  command->add_option("--steps", options->steps, "training steps (default: as many as in the run)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
  command->callback([options] { rescue_run(*options); });
}

}  // namespace dtbench
