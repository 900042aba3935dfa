#include "report/step_table.h"

#include <array>

#include "report/column_source.h"

namespace dtbench {
namespace {

// Of the spec.
constexpr std::array kNames = {
    ColumnSource{"scenario", "/scenario", kText},
    ColumnSource{"policy", "/policy/name", kText},
    ColumnSource{"preset", "/preset", kText},
    ColumnSource{"seed", "/seed", kWhole},
};

// Of a line of steps.jsonl.
constexpr std::array kNumbers = {
    ColumnSource{"step", "/step", kWhole},
    ColumnSource{"loss", "/loss", kReal},
    ColumnSource{"grad_norm", "/grad_norm", kReal},
    ColumnSource{"lr", "/lr", kReal},
    ColumnSource{"loss_scale", "/loss_scale", kReal},
    ColumnSource{"skipped", "/skipped", kFlag},
    ColumnSource{"updated_elements", "/updated_elements", kWhole},
    ColumnSource{"lost_weight_updates", "/lost_weight_updates", kWhole},
    ColumnSource{"lost_v_updates", "/lost_v_updates", kWhole},
    ColumnSource{"eight_bit_elements", "/eight_bit_elements", kWhole},
    ColumnSource{"zero_point_hits", "/zero_point_hits", kWhole},
    ColumnSource{"step_ms", "/step_ms", kReal},
    ColumnSource{"data_ms", "/data_ms", kReal},
    ColumnSource{"device_ms", "/device_ms", kReal},
    ColumnSource{"warmup", "/warmup", kFlag},
    ColumnSource{"samples", "/samples", kWhole},
    ColumnSource{"tokens", "/tokens", kWhole},
    ColumnSource{"real_tokens", "/real_tokens", kWhole},
    ColumnSource{"flops_needed", "/flops_needed", kReal},
    ColumnSource{"flops_palm", "/flops_palm", kReal},
};

}  // namespace

Table step_table(const std::vector<RunRecord>& records) {
  Table table = {{"cell_id", kText, {}}, {"path", kText, {}}};
  for (const ColumnSource& source : kNames)
    table.push_back({source.name, source.type, {}});
  for (const ColumnSource& source : kNumbers)
    table.push_back({source.name, source.type, {}});
  for (const RunRecord& record : records)
    for (const Json& line : read_lines(record.path / "steps.jsonl")) {
      auto column = table.begin();
      (column++)->add(record.path.filename().string());
      (column++)->add(record.path.string());
      for (const ColumnSource& source : kNames)
        (column++)->add(member_or_null(record.spec, source.pointer));
      for (const ColumnSource& source : kNumbers)
        (column++)->add(member_or_null(line, source.pointer));
    }
  return table;
}

}  // namespace dtbench
