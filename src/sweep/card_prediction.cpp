#include "sweep/card_prediction.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "base/text.h"
#include "config/memory_estimate.h"
#include "record/run_directory.h"
#include "record/run_summary.h"
#include "record/status.h"
#include "sweep/cell_shape.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLabels =
    4271;  // EURLEX57K's list, the longest: the head is small beside it

ModelShape shape_of(const RunSpec& spec, const fs::path& configs) {
  try {
    if (const auto shape = shape_before_data(spec, configs).shape) return *shape;
  } catch (const Error&) {  // a vocabulary that lies on the machine that will train
  }
  const auto& published = spec.model.architecture->published;
  return model_shape(spec, published ? published->vocab_size : kLabels, kLabels);
}

std::string datatype_of(const RunSpec& spec) {
  return matmul_datatype(spec.policy.compute, spec.policy.tf32);
}

double peak(const SpecSheet& sheet, const RunSpec& spec) {
  return matmul_peak(sheet, spec.policy.compute, spec.policy.tf32)->value;
}

bool has_figures(const SpecSheet& sheet, const RunSpec& spec) {
  return sheet.memory && matmul_peak(sheet, spec.policy.compute, spec.policy.tf32);
}

// An update reads gradients, and reads and writes weights and states.
double update_bytes(const RunSpec& spec, const ModelShape& shape) {
  const MemoryEstimate memory = estimate_memory(spec, shape);
  return static_cast<double>(2 * memory.parameters + memory.gradients + 2 * memory.optimizer_state);
}

// What passes over activations grow with.
double activations(const RunSpec& spec, const ModelShape& shape) {
  const StepTokens tokens = full_step(spec);
  return static_cast<double>(tokens.padded_tokens) * static_cast<double>(shape.layers) *
         static_cast<double>(shape.width);
}

// fp16 and bf16 products have one peak and one cost.
bool same_products(const RunSpec& a, const RunSpec& b) {
  const auto is_half = [](const std::string& name) { return name == "fp16" || name == "bf16"; };
  const std::string one = datatype_of(a), other = datatype_of(b);
  return one == other || (is_half(one) && is_half(other));
}

// Larger is more alike.
auto likeness(const RunSpec& source, const RunSpec& cell) {
  const DtypePolicy &a = source.policy, &b = cell.policy;
  return std::tuple(source.model.architecture == cell.model.architecture,
                    source.objective == cell.objective, a.name == b.name,
                    a.parameters == b.parameters, a.optimizer_states == b.optimizer_states,
                    a.compute == b.compute);
}

}  // namespace

fs::path shipped_records(const fs::path& configs) {
  return configs.parent_path() / "docs" / "results" / "h100" / "base-50-steps";
}

CardPredictor::CardPredictor(const fs::path& configs, const std::string& card,
                             const std::vector<fs::path>& folders)
    : configs_(configs), card_(card) {
  const std::optional<SpecSheet> sheet = find_spec_sheet(configs, card);
  if (!sheet)
    throw usage_error(concat("configs/hardware.toml has no device called '", card, "'."),
                      suggestion(card, device_names(configs)));
  sheet_ = *sheet;
  for (const fs::path& folder : folders)
    for (const RunRecord& record :
         runs_in(folder.string(), "Name folders of records: --records DIR."))
      if (auto source = source_of(record)) sources_.push_back(std::move(*source));
  if (sources_.empty())
    throw usage_error(
        "There is no record of a GPU with a data sheet to predict from.",
        "--records DIR names a folder of records that another GPU made; the program's own are in "
        "docs/results/h100/base-50-steps.");
}

std::optional<CardPredictor::Source> CardPredictor::source_of(const RunRecord& record) const {
  const std::optional<RunResult> result = read_result(record.result);
  const auto at = [&](const char* pointer) { return member_or_null(record.result, pointer); };
  const Json name = member_or_null(record.audit, "/identity/device/cuda/name");
  const Json vocab = member_or_null(record.audit, "/model/vocab");
  const Json labels = member_or_null(record.audit, "/model/labels");
  if (!result || !is_whole(result->status) || !name.is_string() || !vocab.is_number() ||
      !labels.is_number() || !at("/throughput/step_ms/median").is_number() ||
      !at("/mfu/flops_per_step").is_number() || !at("/mfu/peak_measured_flops_per_s").is_number())
    return std::nullopt;
  const RunSpec spec = run_spec_from_json(record.spec, record.path.string());
  const std::string card = name.get<std::string>();
  const auto sheet = find_spec_sheet(configs_, card);
  if (!sheet || !has_figures(*sheet, spec)) return std::nullopt;
  Predictor own;
  own.learn(spec, record, std::nullopt);
  const std::optional<CellTime> time = own.time(spec);
  if (!time) return std::nullopt;
  return Source{spec,
                card,
                *sheet,
                model_shape(spec, vocab.get<std::int64_t>(), labels.get<std::int64_t>()),
                *time,
                at("/mfu/flops_per_step").get<double>(),
                at("/mfu/peak_measured_flops_per_s").get<double>(),
                concat(spec.scenario, " ", spec.policy.name, " of ", card)};
}

std::optional<CardPrediction> CardPredictor::predict(const RunSpec& spec) const {
  if (!has_figures(sheet_, spec)) return std::nullopt;
  const Source* best = nullptr;
  for (const Source& source : sources_) {
    if (!same_products(source.spec, spec)) continue;
    if (best == nullptr || likeness(source.spec, spec) > likeness(best->spec, spec)) best = &source;
  }
  return best == nullptr ? std::nullopt : std::optional(from(*best, spec));
}

CardPrediction CardPredictor::from(const Source& source, const RunSpec& spec) const {
  const ModelShape shape = shape_of(spec, configs_);
  // The record's FLOPs are of its own texts' lengths; the cell is taken to have texts as full.
  const double work = step_flops(shape, full_step(spec)).needed /
                      step_flops(source.shape, full_step(source.spec)).needed;
  const double products_s = source.flops / source.flops_per_s;
  const double update_s = update_bytes(source.spec, source.shape) / source.sheet.memory->value;
  const double rest_s = std::max(0.0, source.time.step_s - products_s - update_s);

  const double slower_products = peak(source.sheet, source.spec) / peak(sheet_, spec);
  const double slower_memory = source.sheet.memory->value / sheet_.memory->value;
  const double update = update_bytes(spec, shape) / update_bytes(source.spec, source.shape);
  const double passes = activations(spec, shape) / activations(source.spec, source.shape);

  CardPrediction prediction;
  prediction.rests_on = source.name;
  prediction.time.step_s =
      products_s * work * slower_products + (update_s * update + rest_s * passes) * slower_memory;
  prediction.time.evaluation_s =
      source.time.evaluation_s * prediction.time.step_s / source.time.step_s;
  prediction.time.overhead_s = source.time.overhead_s;
  return prediction;
}

std::string CardPredictor::records() const {
  std::map<std::string, int> cards;
  for (const Source& source : sources_)
    ++cards[source.card];
  std::vector<std::string> parts;
  for (const auto& [card, count] : cards)
    parts.push_back(concat(count, " records of ", card));
  return join(parts, ", ");
}

}  // namespace dtbench
