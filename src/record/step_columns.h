// steps.jsonl by columns, for those that read many: a thousand runs of a thousand steps are half a
// gigabyte of JSON.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace dtbench {

// One value a line that can be read; NaN where the line lacks the number.
struct StepColumns {
  std::vector<double> loss, grad_norm, loss_scale, step_ms;
  std::vector<bool> skipped;
};

// Whether there is something other than a file: a pipe, a device, a folder. Readers of a record's
// lines find nothing there, as in a record without them; damaged_line throws, and that is the
// record's damage.
bool is_no_file(const std::filesystem::path& path);

// Empty where the file is not there. A last line without its end is still being written.
StepColumns read_step_columns(const std::filesystem::path& jsonl);

// The first line that is no JSON ("steps.jsonl, line 3: not JSON").
std::optional<std::string> damaged_line(const std::filesystem::path& jsonl);

}  // namespace dtbench
