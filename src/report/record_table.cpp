#include "report/record_table.h"

#include <array>

#include "report/column_source.h"

namespace dtbench {
namespace {

// Of a cell of report_data.
constexpr std::array kSources = {
    ColumnSource{"cell_id", "/id", kText},
    ColumnSource{"path", "/path", kText},
    ColumnSource{"scenario", "/scenario", kText},
    ColumnSource{"policy", "/policy", kText},
    ColumnSource{"preset", "/preset", kText},
    ColumnSource{"seed", "/seed", kWhole},
    ColumnSource{"device", "/device", kText},
    ColumnSource{"learning_rate", "/learning_rate", kReal},
    ColumnSource{"batch", "/batch", kWhole},
    ColumnSource{"length", "/length", kWhole},
    ColumnSource{"bce_reduction", "/bce_reduction", kText},
    ColumnSource{"synthetic", "/synthetic", kFlag},
    ColumnSource{"state", "/state", kText},
    ColumnSource{"reason", "/reason", kText},
    ColumnSource{"counts", "/counts", kFlag},
    ColumnSource{"unpaired", "/unpaired", kFlag},
    ColumnSource{"status", "/result/status", kText},
    ColumnSource{"outcome", "/result/outcome", kText},
    ColumnSource{"steps", "/steps", kWhole},
    ColumnSource{"steps_completed", "/result/steps_completed", kWhole},
    ColumnSource{"first_nonfinite_step", "/result/first_nonfinite/step", kWhole},
    ColumnSource{"first_nonfinite_kind", "/result/first_nonfinite/kind", kText},
    ColumnSource{"first_nonfinite_phase", "/result/first_nonfinite/phase", kText},
    ColumnSource{"first_nonfinite_tensor", "/result/first_nonfinite/tensor", kText},
    ColumnSource{"val_loss", "/result/convergence/val_loss", kReal},
    ColumnSource{"val_loss_constant_predictor", "/result/convergence/val_loss_constant_predictor",
                 kReal},
    ColumnSource{"train_loss_first", "/result/convergence/train_loss_first", kReal},
    ColumnSource{"train_loss_last", "/result/convergence/train_loss_last", kReal},
    ColumnSource{"average_precision_micro", "/result/convergence/average_precision_micro", kReal},
    ColumnSource{"f1_micro", "/result/convergence/f1_micro", kReal},
    ColumnSource{"f1_macro", "/result/convergence/f1_macro", kReal},
    ColumnSource{"accuracy", "/result/convergence/accuracy", kReal},
    ColumnSource{"samples_per_s", "/result/throughput/samples_per_s", kReal},
    ColumnSource{"tokens_per_s", "/result/throughput/tokens_per_s", kReal},
    ColumnSource{"step_ms_median", "/result/throughput/step_ms/median", kReal},
    ColumnSource{"mfu_vs_spec", "/result/mfu/vs_spec", kReal},
    ColumnSource{"mfu_vs_measured", "/result/mfu/vs_measured", kReal},
    ColumnSource{"peak_allocated_bytes", "/result/memory/peak_allocated_bytes", kWhole},
    ColumnSource{"peak_reserved_bytes", "/result/memory/peak_reserved_bytes", kWhole},
    ColumnSource{"peak_resident_bytes", "/result/memory/peak_resident_bytes", kWhole},
    ColumnSource{"parameters_bytes", "/result/memory/parameters_bytes", kWhole},
    ColumnSource{"gradients_bytes", "/result/memory/gradients_bytes", kWhole},
    ColumnSource{"optimizer_state_bytes", "/result/memory/optimizer_state_bytes", kWhole},
    ColumnSource{"loss_scale_final", "/result/loss_scale/final", kReal},
    ColumnSource{"loss_scale_skipped_steps", "/result/loss_scale/skipped_steps", kWhole},
    ColumnSource{"lost_weight_update_share", "/result/optimizer/lost_weight_update_share", kReal},
    ColumnSource{"lost_v_update_share", "/result/optimizer/lost_v_update_share", kReal},
    ColumnSource{"wall_s", "/result/wall_s", kReal},
    ColumnSource{"price_usd", "/result/price_usd", kReal},
    ColumnSource{"target_step", "/target/step", kWhole},
    ColumnSource{"target_s", "/target/seconds", kReal},
    ColumnSource{"target_usd", "/target/usd", kReal},
    ColumnSource{"started_at", "/result/started_at", kText},
    ColumnSource{"torch", "/torch", kText},
    ColumnSource{"source_revision", "/source_revision", kText},
};

}  // namespace

Table record_table(const Json& data) {
  Table table;
  for (const ColumnSource& source : kSources) {
    TableColumn& column = table.emplace_back(TableColumn{source.name, source.type, {}});
    for (const Json& cell : data.at("cells"))
      column.add(member_or_null(cell, source.pointer));
  }
  return table;
}

}  // namespace dtbench
