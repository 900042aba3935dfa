#include "cli/matrix_options.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/ascii.h"
#include "base/error.h"
#include "base/places.h"
#include "base/text.h"
#include "cli/amounts.h"
#include "cli/gpu_line.h"
#include "cli/notes.h"
#include "hardware/spec_sheet.h"
#include "sweep/matrix.h"

namespace dtbench {
namespace {

constexpr int kMostJobs = 1024;
constexpr const char* kDeviceFlag = "--device";

// What the flags mean together, and the names there are.
std::string matrix_footer() {
  return "A setting with several values (--set train.batch=8,32) makes one cell per value.\n" +
         scenarios_and_presets();
}

using Names = std::vector<std::string>;

// Of a file's scenarios or policies the ones that the command line names.
void restrict_to(Names& names, const Names& chosen) {
  if (chosen.empty()) return;
  if (names.empty()) {
    names = chosen;
    return;
  }
  std::erase_if(names, [&](const std::string& name) {
    return std::find(chosen.begin(), chosen.end(), name) == chosen.end();
  });
  if (names.empty()) names = {""};  // an empty list would mean all of them
}

bool has_nothing(const MatrixPart& part) {
  const Names nothing = {""};
  return part.scenarios == nothing || part.policies == nothing;
}

// The scenarios and policies that the parts name, each once.
Names names_in(const Matrix& matrix) {
  std::set<std::string> names;
  for (const MatrixPart& part : matrix.parts)
    for (const Names* list : {&part.scenarios, &part.policies})
      names.insert(list->begin(), list->end());
  return {names.begin(), names.end()};
}

Matrix matrix_of_file(const MatrixOptions& options) {
  if (!options.file.empty()) return read_matrix(configs_folder(), options.file);
  Matrix matrix;
  matrix.parts.emplace_back();
  return matrix;
}

// Applies what the command line says about the cells.
void select(Matrix& matrix, const MatrixOptions& options, std::vector<Setting>& command_line) {
  const std::vector<Axis> axes = take_axes(command_line);
  const Names known = names_in(matrix);
  for (MatrixPart& part : matrix.parts) {
    restrict_to(part.scenarios, options.scenarios);
    restrict_to(part.policies, options.policies);
    if (!options.seeds.empty()) part.seeds = seeds_from_count(options.seeds, "--seeds");
    part.axes.insert(part.axes.end(), axes.begin(), axes.end());
  }
  std::erase_if(matrix.parts, has_nothing);
  if (matrix.parts.empty())
    throw usage_error(
        concat("The matrix '", options.file, "' has no cell",
               options.scenarios.empty() ? "" : " of --scenario ", join(options.scenarios, ", "),
               options.policies.empty() ? "" : " of --policy ", join(options.policies, ", "), "."),
        concat("Both flags select among the file's own scenarios and policies: ", join(known, ", "),
               "."));
}

bool is_device(const std::string& name) {
  return name == "cpu" || name == "cuda" || name.starts_with("cuda:");
}

// The setting of --device, null without it. --set device=... may be an axis.
template <typename Settings>
auto* device_flag(Settings& command_line) {
  const auto found =
      std::find_if(command_line.begin(), command_line.end(),
                   [](const Setting& setting) { return setting.origin == kDeviceFlag; });
  return found == command_line.end() ? nullptr : &*found;
}

void require_one_device(const std::vector<SweepCell>& cells) {
  for (const SweepCell& cell : cells)
    if (cell.spec.device != cells.front().spec.device)
      throw usage_error(
          concat("A matrix runs on one device, but '", cells.front().name, "' asks for ",
                 cells.front().spec.device, " and '", cell.name, "' for ", cell.spec.device, "."),
          "Run one matrix per device, in the same folder or another.");
}

std::vector<const RunSpec*> specs_of(const std::vector<SweepCell>& cells) {
  std::vector<const RunSpec*> specs;
  for (const SweepCell& cell : cells)
    specs.push_back(&cell.spec);
  return specs;
}

}  // namespace

void add_matrix_selection(CLI::App& command, MatrixOptions& options) {
  command.add_option("--file", options.file,
                     "name of a matrix in configs/matrices, or a .toml file (docs/matrix.md)");
  command
      .add_option("--scenario", options.scenarios,
                  "A to F; repeatable (default: those in --file, else all)")
      ->allow_extra_args(false);
  command
      .add_option("--policy", options.policies,
                  "policy name or .toml file; repeatable (default: those in --file, else the six "
                  "policies and fp32_perturbed)")
      ->allow_extra_args(false);
  command.add_option("--seeds", options.seeds,
                     "number of seeds; N means seeds 0 to N-1 (default: those in --file, else 1)");
}

void add_matrix_options(CLI::App& command, MatrixOptions& options) {
  options.spec.add_preset(command);
  std::vector<SpecFlag> flags = {
      {"--steps", "train.steps", "training steps"},
      {kDeviceFlag, "device",
       "cpu, cuda or cuda:N; to predict without training, also the name of a card in "
       "configs/hardware.toml"}};
  for (const SpecFlag& flag : data_flags())
    flags.push_back(flag);
  options.spec.add_to(command, flags);
  command
      .add_option("--jobs", options.jobs,
                  "number of cells to train at once (default: one per GPU, or one on a CPU, where "
                  "several cells share the cores)")
      ->check(CLI::Range(1, kMostJobs));
  add_price_option(command, options.price_per_hour);
  command.add_option("--budget", options.budget,
                     "maximum to spend, in USD; needs a price (--price-per-hour)");
  command
      .add_option("--records", options.records,
                  "folder of other cards' records, from which to predict times on the card named "
                  "by --device; repeatable (default: the bundled H100 records)")
      ->allow_extra_args(false);
  command.add_option("--out", options.out,
                     concat("root folder of records (default: ",
                            options.out.empty() ? "runs/STUDY" : options.out, ")"));
  command.add_flag("--json", options.json, "print JSON");
  command.footer(matrix_footer);
}

void add_no_wait_flag(CLI::App& command, MatrixOptions& options) {
  command.add_flag("--no-wait", options.no_wait,
                   "exit when other processes hold all remaining cells (default: wait for them)");
}

void add_rerun_flag(CLI::App& command, bool& rerun) {
  command.add_flag(
      "--rerun", rerun,
      "retrain cells whose record cannot be used (damaged, or from a different program, spec, "
      "data or initial weights); the old record is moved aside, and finished cells are kept");
}

std::optional<std::string> card_of(const MatrixOptions& options) {
  const ResolveRequest request = options.spec.request();
  const Setting* flag = device_flag(request.command_line);
  if (flag == nullptr || is_device(flag->value)) return std::nullopt;
  const std::string& device = flag->value;
  std::vector<std::string> known = device_names(configs_folder());
  for (const std::string& name : known)
    if (lower_case(name) == lower_case(device)) return name;
  known.insert(known.begin(), {"cpu", "cuda"});
  throw usage_error(
      concat("--device names no device and no card of configs/hardware.toml: '", device, "'."),
      suggestion(device, known));
}

std::optional<CardPredictor> card_predictor(const MatrixOptions& options) {
  const auto card = card_of(options);
  if (!card) return std::nullopt;
  const std::filesystem::path configs = configs_folder();
  std::vector<std::filesystem::path> folders(options.records.begin(), options.records.end());
  if (folders.empty()) folders = {shipped_records(configs)};
  return CardPredictor(configs, *card, folders);
}

void require_device_here(const MatrixOptions& options) {
  if (const auto card = card_of(options))
    throw usage_error(concat("'", *card,
                             "' names a card: its cells can be predicted here, not "
                             "trained."),
                      "Add --dry-run, or say --device cuda on the machine that has the card.");
}

std::vector<SweepCell> sweep_cells(const MatrixOptions& options) {
  return sweep_cells(options, matrix_of_file(options));
}

std::vector<SweepCell> sweep_cells(const MatrixOptions& options, Matrix matrix) {
  ResolveRequest request = options.spec.request();
  if (card_of(options)) device_flag(request.command_line)->value = "cuda";
  select(matrix, options, request.command_line);
  std::vector<SweepCell> cells;
  for (MatrixCell& cell : matrix_cells(matrix, request)) {
    SweepCell& added = cells.emplace_back();
    added.run = std::filesystem::path(options.out) / cell_id(cell.spec);
    added.spec = std::move(cell.spec);
    added.name = std::move(cell.name);
    added.round = cell.round;
  }
  require_one_device(cells);
  note_long_warm_ups(specs_of(cells));
  return cells;
}

void predict_all(const std::optional<CardPredictor>& card, std::vector<SweepCell>& cells,
                 const SweepOptions& sweep) {
  if (!card) {
    predict(cells, sweep);
    return;
  }
  for (SweepCell& cell : cells)
    if (const auto prediction = card->predict(cell.spec))
      cell.predicted_s = prediction->time.seconds(cell.spec.train, cell.spec.train.steps);
}

void require_device_said(const MatrixOptions& options, const std::vector<SweepCell>& cells) {
  if (!options.file.empty())
    for (const MatrixPart& part : read_matrix(configs_folder(), options.file).parts)
      for (const Setting& setting : part.settings)
        if (setting.key == "device") return;
  require_device_said(options.spec.request(), specs_of(cells));
}

void log_gpus(const std::vector<SweepCell>& cells, const SweepOptions& sweep) {
  double gpus = 0;  // a slot is a share of one
  for (const Slot& slot : sweep.slots)
    gpus += slot.share;
  log_gpus(cells.front().spec.device, static_cast<std::size_t>(std::lround(gpus)));
}

SweepOptions sweep_options(const MatrixOptions& options, const std::vector<SweepCell>& cells) {
  SweepOptions sweep;
  sweep.out = options.out;
  sweep.configs = configs_folder();
  const std::string& device = cells.front().spec.device;
  sweep.slots =
      make_slots(device, options.jobs || device != "cpu" ? options.jobs : options.jobs_on_cpu);
  sweep.wait = !options.no_wait;
  // What this machine costs says nothing about another card.
  if (!options.price_per_hour.empty() || !card_of(options))
    sweep.price_per_hour = price_per_hour(options.price_per_hour, device);
  if (!options.budget.empty())
    sweep.budget = positive_number(options.budget, "--budget", "an amount in USD");
  if (sweep.budget && !sweep.price_per_hour)
    throw usage_error("--budget needs --price-per-hour, the price of one device.",
                      "For example: --price-per-hour 0.79");
  return sweep;
}

}  // namespace dtbench
