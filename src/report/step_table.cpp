#include "report/step_table.h"

#include <array>

namespace dtbench {
namespace {

struct Source {
  const char* name;
  const char* pointer;
  ColumnType type;
};

constexpr auto kText = ColumnType::kText, kFlag = ColumnType::kFlag;
constexpr auto kWhole = ColumnType::kWhole, kReal = ColumnType::kReal;

// Of the spec.
constexpr std::array kNames = {
    Source{"scenario", "/scenario", kText},
    Source{"policy", "/policy/name", kText},
    Source{"preset", "/preset", kText},
    Source{"seed", "/seed", kWhole},
};

// Of a line of steps.jsonl.
constexpr std::array kNumbers = {
    Source{"step", "/step", kWhole},
    Source{"loss", "/loss", kReal},
    Source{"grad_norm", "/grad_norm", kReal},
    Source{"lr", "/lr", kReal},
    Source{"loss_scale", "/loss_scale", kReal},
    Source{"skipped", "/skipped", kFlag},
    Source{"updated_elements", "/updated_elements", kWhole},
    Source{"lost_weight_updates", "/lost_weight_updates", kWhole},
    Source{"lost_v_updates", "/lost_v_updates", kWhole},
    Source{"eight_bit_elements", "/eight_bit_elements", kWhole},
    Source{"zero_point_hits", "/zero_point_hits", kWhole},
    Source{"step_ms", "/step_ms", kReal},
    Source{"data_ms", "/data_ms", kReal},
    Source{"device_ms", "/device_ms", kReal},
    Source{"warmup", "/warmup", kFlag},
    Source{"samples", "/samples", kWhole},
    Source{"tokens", "/tokens", kWhole},
    Source{"real_tokens", "/real_tokens", kWhole},
    Source{"flops_needed", "/flops_needed", kReal},
    Source{"flops_palm", "/flops_palm", kReal},
};

}  // namespace

Table step_table(const std::vector<RunRecord>& records) {
  Table table = {{"cell_id", kText, {}}, {"path", kText, {}}};
  for (const Source& source : kNames)
    table.push_back({source.name, source.type, {}});
  for (const Source& source : kNumbers)
    table.push_back({source.name, source.type, {}});
  for (const RunRecord& record : records)
    for (const Json& line : read_lines(record.path / "steps.jsonl")) {
      auto column = table.begin();
      (column++)->add(record.path.filename().string());
      (column++)->add(record.path.string());
      for (const Source& source : kNames)
        (column++)->add(member_or_null(record.spec, source.pointer));
      for (const Source& source : kNumbers)
        (column++)->add(member_or_null(line, source.pointer));
    }
  return table;
}

}  // namespace dtbench
