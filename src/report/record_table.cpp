#include "report/record_table.h"

#include <array>

namespace dtbench {
namespace {

struct Source {
  const char* name;
  const char* pointer;  // into a cell of report_data
  ColumnType type;
};

constexpr auto kText = ColumnType::kText, kFlag = ColumnType::kFlag;
constexpr auto kWhole = ColumnType::kWhole, kReal = ColumnType::kReal;

constexpr std::array kSources = {
    Source{"cell_id", "/id", kText},
    Source{"path", "/path", kText},
    Source{"scenario", "/scenario", kText},
    Source{"policy", "/policy", kText},
    Source{"preset", "/preset", kText},
    Source{"seed", "/seed", kWhole},
    Source{"device", "/device", kText},
    Source{"learning_rate", "/learning_rate", kReal},
    Source{"batch", "/batch", kWhole},
    Source{"length", "/length", kWhole},
    Source{"bce_reduction", "/bce_reduction", kText},
    Source{"synthetic", "/synthetic", kFlag},
    Source{"state", "/state", kText},
    Source{"reason", "/reason", kText},
    Source{"counts", "/counts", kFlag},
    Source{"unpaired", "/unpaired", kFlag},
    Source{"status", "/result/status", kText},
    Source{"outcome", "/result/outcome", kText},
    Source{"steps", "/steps", kWhole},
    Source{"steps_completed", "/result/steps_completed", kWhole},
    Source{"first_nonfinite_step", "/result/first_nonfinite/step", kWhole},
    Source{"first_nonfinite_kind", "/result/first_nonfinite/kind", kText},
    Source{"first_nonfinite_phase", "/result/first_nonfinite/phase", kText},
    Source{"first_nonfinite_tensor", "/result/first_nonfinite/tensor", kText},
    Source{"val_loss", "/result/convergence/val_loss", kReal},
    Source{"val_loss_constant_predictor", "/result/convergence/val_loss_constant_predictor", kReal},
    Source{"train_loss_first", "/result/convergence/train_loss_first", kReal},
    Source{"train_loss_last", "/result/convergence/train_loss_last", kReal},
    Source{"average_precision_micro", "/result/convergence/average_precision_micro", kReal},
    Source{"f1_micro", "/result/convergence/f1_micro", kReal},
    Source{"f1_macro", "/result/convergence/f1_macro", kReal},
    Source{"accuracy", "/result/convergence/accuracy", kReal},
    Source{"samples_per_s", "/result/throughput/samples_per_s", kReal},
    Source{"tokens_per_s", "/result/throughput/tokens_per_s", kReal},
    Source{"step_ms_median", "/result/throughput/step_ms/median", kReal},
    Source{"mfu_vs_spec", "/result/mfu/vs_spec", kReal},
    Source{"mfu_vs_measured", "/result/mfu/vs_measured", kReal},
    Source{"peak_allocated_bytes", "/result/memory/peak_allocated_bytes", kWhole},
    Source{"peak_reserved_bytes", "/result/memory/peak_reserved_bytes", kWhole},
    Source{"peak_resident_bytes", "/result/memory/peak_resident_bytes", kWhole},
    Source{"parameters_bytes", "/result/memory/parameters_bytes", kWhole},
    Source{"gradients_bytes", "/result/memory/gradients_bytes", kWhole},
    Source{"optimizer_state_bytes", "/result/memory/optimizer_state_bytes", kWhole},
    Source{"loss_scale_final", "/result/loss_scale/final", kReal},
    Source{"loss_scale_skipped_steps", "/result/loss_scale/skipped_steps", kWhole},
    Source{"lost_weight_update_share", "/result/optimizer/lost_weight_update_share", kReal},
    Source{"lost_v_update_share", "/result/optimizer/lost_v_update_share", kReal},
    Source{"wall_s", "/result/wall_s", kReal},
    Source{"price_usd", "/result/price_usd", kReal},
    Source{"target_step", "/target/step", kWhole},
    Source{"target_s", "/target/seconds", kReal},
    Source{"target_usd", "/target/usd", kReal},
    Source{"started_at", "/result/started_at", kText},
    Source{"torch", "/torch", kText},
    Source{"source_revision", "/source_revision", kText},
};

}  // namespace

Table record_table(const Json& data) {
  Table table;
  for (const Source& source : kSources) {
    TableColumn& column = table.emplace_back(TableColumn{source.name, source.type, {}});
    for (const Json& cell : data.at("cells"))
      column.add(member_or_null(cell, source.pointer));
  }
  return table;
}

}  // namespace dtbench
