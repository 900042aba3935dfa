#include "record/step_columns.h"

#include <simdjson.h>

#include <cstring>
#include <limits>

#include "base/read_file.h"
#include "base/text.h"

namespace dtbench {
namespace {

namespace dom = simdjson::dom;

// Calls `use(number, element, error)` for each whole line, from 1. simdjson reads beyond a line's
// end, which is the next line or the padding behind the last.
template <typename Use>
void for_each_line(const std::filesystem::path& path, Use use) {
  const simdjson::padded_string text(read_file(path).value_or(""));
  dom::parser parser;
  const char* const end = text.data() + text.size();
  int number = 1;
  for (const char* line = text.data(); line < end; ++number) {
    const auto* stop =
        static_cast<const char*>(std::memchr(line, '\n', static_cast<std::size_t>(end - line)));
    if (stop == nullptr) break;
    dom::element element;
    const auto error =
        parser.parse(line, static_cast<std::size_t>(stop - line), false).get(element);
    if (!use(number, element, error)) return;
    line = stop + 1;
  }
}

// A number, or the text that stands for one that is not finite.
double number(const dom::element& line, std::string_view key) {
  dom::element value;
  double finite = 0;
  std::string_view text;
  if (line.at_key(key).get(value) == simdjson::SUCCESS) {  // not where the line is no object
    if (value.get(finite) == simdjson::SUCCESS) return finite;
    if (value.get(text) == simdjson::SUCCESS) {
      if (text == "Infinity") return std::numeric_limits<double>::infinity();
      if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    }
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

bool is_no_file(const std::filesystem::path& path) {
  using Type = std::filesystem::file_type;
  std::error_code unknown;
  const Type type = std::filesystem::status(path, unknown).type();
  return !unknown && type != Type::regular && type != Type::not_found;
}

StepColumns read_step_columns(const std::filesystem::path& jsonl) {
  StepColumns columns;
  if (is_no_file(jsonl)) return columns;
  for_each_line(jsonl, [&](int, const dom::element& line, simdjson::error_code error) {
    if (error != simdjson::SUCCESS) return true;
    columns.loss.push_back(number(line, "loss"));
    columns.grad_norm.push_back(number(line, "grad_norm"));
    columns.loss_scale.push_back(number(line, "loss_scale"));
    columns.step_ms.push_back(number(line, "step_ms"));
    bool skipped = false;
    columns.skipped.push_back(line.at_key("skipped").get(skipped) == simdjson::SUCCESS && skipped);
    return true;
  });
  return columns;
}

std::optional<std::string> damaged_line(const std::filesystem::path& jsonl) {
  std::optional<std::string> damage;
  for_each_line(jsonl, [&](int line, const dom::element&, simdjson::error_code error) {
    if (error != simdjson::SUCCESS)
      damage = concat(jsonl.filename().string(), ", line ", line, ": not JSON");
    return !damage;
  });
  return damage;
}

}  // namespace dtbench
