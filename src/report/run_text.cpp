#include "report/run_text.h"

#include <algorithm>
#include <array>

#include "base/table.h"
#include "base/text.h"
#include "record/cause.h"
#include "record/health_text.h"
#include "record/run_summary.h"
#include "record/status.h"
#include "report/number_text.h"
#include "report/scenario_title.h"

namespace dtbench {
namespace {

constexpr std::size_t kLastSteps = 5;

std::string heading(const RunRecord& run, const Json& summary) {
  const auto said = [&](const char* member) { return readable(summary.at(member)); };
  const std::string title = scenario_title(member_or_null(run.spec, "/model/architecture"),
                                           member_or_null(run.spec, "/objective"));
  std::string text = concat(
      "Run ", run.path.string(), "\n  scenario ", said("scenario"), " (", title, "), policy ",
      said("policy"), ", preset ", said("preset"), ", seed ", said("seed"), ", on ",
      readable(member_or_null(run.spec, "/device")), "\n  ", one_line(summary), "\n");
  if (run.damage) text += concat("  DAMAGED: ", *run.damage, "\n");
  if (member_or_null(run.spec, "/data/source") == "synthetic")
    text += "  The data is generated, not real text: compare its losses with no others.\n";
  return text;
}

// Where the first non-finite value arose and of what, as far as that is known.
std::string death(const RunRecord& run) {
  const Json first = member_or_null(run.result, "/first_nonfinite");
  if (!first.is_object()) return "";
  const std::string cause = cause_of(run);
  return concat("  First non-finite value: ", first_nonfinite_in_words(first), "\n  Cause: ",
                cause.empty() ? concat("not known; 'dtbench explain ", run.path.string(),
                                       "' replays the run and looks for it")
                              : printable(cause),
                "\n");
}

// "  SCORE  value  of a constant answer" for each score that there is; of the model after its last
// step alone.
std::string scores(const RunRecord& run) {
  if (status_of(run) != Status::kCompleted) return "";
  Rows rows = {{"\nQuality", "this run", "constant answer"}};
  for (const auto& [words, name] :
       {std::pair{"validation loss", "val_loss"},
        std::pair{"average precision", "average_precision_micro"},
        std::pair{"F1 micro", "f1_micro"}, std::pair{"F1 macro", "f1_macro"},
        std::pair{"accuracy", "accuracy"}}) {
    const std::string pointer = concat("/convergence/", name);
    const Json value = member_or_null(run.result, pointer);
    if (value.is_null()) continue;
    rows.push_back({concat("  ", words), fixed(value, "%.4f"),
                    fixed(member_or_null(run.result, pointer + "_constant_predictor"), "%.4f")});
  }
  return rows.size() == 1 ? "" : aligned(rows);
}

std::string percent(const Json& share) {
  return share.is_number() ? formatted("%.3g %%", 100 * share.get<double>()) : "";
}

void add(Rows& rows, const char* words, const std::string& value) {
  if (!value.empty()) rows.push_back({concat("  ", words), value});
}

std::string section(const char* title, const Rows& rows) {
  return rows.empty() ? "" : concat("\n", title, "\n", aligned(rows));
}

std::string rounding(const RunRecord& run) {
  const auto at = [&](const char* pointer) { return member_or_null(run.result, pointer); };
  Rows rows;
  add(rows, "lost weight updates", percent(at("/optimizer/lost_weight_update_share")));
  add(rows, "lost updates of v", percent(at("/optimizer/lost_v_update_share")));
  add(rows, "8-bit v stored as 0", percent(at("/optimizer/zero_point_share")));
  if (at("/loss_scale").is_object())
    add(rows, "loss scale",
        concat(readable(at("/loss_scale/final")), " at the end, ",
               readable(at("/loss_scale/skipped_steps")), " steps skipped"));
  return section("Rounding", rows);
}

std::string cost(const RunRecord& run) {
  const auto at = [&](const char* pointer) { return member_or_null(run.result, pointer); };
  const auto bytes = [&](const char* pointer) {
    return at(pointer).is_number_unsigned() ? human_bytes(at(pointer).get<std::uint64_t>()) : "-";
  };
  Rows rows;
  if (at("/throughput/samples_per_s").is_number())
    add(rows, "speed",
        concat(readable(at("/throughput/samples_per_s")), " samples/s, median step ",
               readable(at("/throughput/step_ms/median")), " ms"));
  if (const std::string measured = percent(at("/mfu/vs_measured")); !measured.empty()) {
    const std::string sheet = percent(at("/mfu/vs_spec"));
    add(rows, "MFU",
        concat(measured, " of the measured peak",
               sheet.empty() ? "" : concat(", ", sheet, " of the data sheet's")));
  }
  if (at("/memory/peak_allocated_bytes").is_number())
    add(rows, "peak memory",
        concat(bytes("/memory/peak_allocated_bytes"), ", predicted ",
               bytes("/memory/predicted/total_bytes")));
  if (at("/price_usd").is_number()) add(rows, "price", concat(readable(at("/price_usd")), " USD"));
  if (const Json disturbances = at("/disturbances"); disturbances.is_array())
    for (const Json& one : disturbances)
      add(rows, "disturbed timings", readable(member_or_null(one, "/message")));
  return section("Cost", rows);
}

std::string last_steps(const std::vector<Json>& steps) {
  if (steps.empty()) return "";
  constexpr std::array kColumns = {"step",       "loss",    "grad_norm", "lr",
                                   "loss_scale", "skipped", "step_ms"};
  Rows rows = {{}};
  for (const char* column : kColumns)
    rows[0].push_back(rows[0].empty() ? concat("  ", column) : column);
  for (std::size_t i = steps.size() - std::min(kLastSteps, steps.size()); i < steps.size(); ++i) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const char* column : kColumns) {
      const std::string text = readable(member_or_null(steps[i], concat("/", column)));
      row.push_back(row.empty() ? "  " + text : text);
    }
  }
  return concat("\nLast steps\n", aligned(rows));
}

}  // namespace

std::string run_text(const RunRecord& run, const Json& summary, const std::vector<Json>& steps) {
  return concat(heading(run, summary), death(run), health_text(read_health(run.path)), scores(run),
                rounding(run), cost(run), last_steps(steps));
}

}  // namespace dtbench
