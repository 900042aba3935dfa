#include "data/jsonl_source.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "data/line_reader.h"
#include "data/utf8.h"

namespace dtbench {
namespace {

std::string excerpt(const Json& value) {
  constexpr std::size_t kLongest = 60;
  std::string text = value.dump();
  if (text.size() > kLongest) text = repair_utf8(text.substr(0, kLongest)) + "...";
  return concat(value.type_name(), " ", text);
}

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r") == std::string::npos;
}

std::optional<SourceSplit> split_named(const std::string& name) {
  if (name == "train") return SourceSplit::kTrain;
  if (name == "validation" || name == "dev" || name == "val") return SourceSplit::kValidation;
  if (name == "test") return SourceSplit::kTest;
  return std::nullopt;
}

constexpr std::int64_t kValidationEvery = 20;

}  // namespace

struct JsonlSource::Impl {
  std::filesystem::path path;
  JsonlFields fields;
  LineReader lines;
  std::int64_t records = 0;
  std::int64_t repaired = 0;
  bool has_split = false;  // decided by the first record

  Impl(const std::filesystem::path& file, JsonlFields names)
      : path(file), fields(std::move(names)), lines(file) {}

  Error fail(const std::string& message, const std::string& hint = "") const {
    return usage_error(concat("'", path.string(), "' line ", lines.line_number(), ": ", message),
                       hint);
  }

  Error wrong_type(const std::string& field, const char* expected, const Json& found) const {
    return fail(
        concat("field '", field, "': expected ", expected, ", found ", excerpt(found), "."));
  }

  Json parse(std::string& line) {
    if (!is_valid_utf8(line)) {
      line = repair_utf8(line);
      ++repaired;
    }
    try {
      Json record = Json::parse(line);
      if (record.is_object()) return record;
      throw fail(concat("expected a JSON object, found ", excerpt(record), "."));
    } catch (const Json::parse_error& error) {
      throw fail(concat("expected a JSON object, found text that is not valid JSON (", error.what(),
                        ")."));
    }
  }

  const Json& field(const Json& record, const std::string& name, const char* setting) const {
    const auto found = record.find(name);
    if (found != record.end()) return *found;
    std::vector<std::string> names;
    for (const auto& [key, value] : record.items())
      names.push_back(key);
    throw fail(concat("expected a field '", name, "' (", setting, "), found none. ",
                      suggestion(name, names)),
               concat("Set ", setting, " to one of the file's fields."));
  }

  std::string label(const Json& value) const {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_integer()) return value.dump();
    throw wrong_type(fields.labels, "a string, an integer, or a list of them", value);
  }

  std::vector<std::string> read_labels(const Json& record) const {
    const Json& value = field(record, fields.labels, "data.label_field");
    if (!value.is_array()) return {label(value)};
    std::vector<std::string> labels;
    for (const Json& item : value)
      labels.push_back(label(item));
    return labels;
  }

  SourceSplit read_split(const Json& record) {
    const auto found = record.find(fields.split);
    const bool here = found != record.end();
    if (records == 0) has_split = here;
    if (here != has_split)
      throw fail(concat(
          "expected field '", fields.split, "' in every record or in none, found ",
          here ? "it here but not in the first record." : "it in the first record but not here."));
    if (!here)
      return records % kValidationEvery == kValidationEvery - 1 ? SourceSplit::kValidation
                                                                : SourceSplit::kTrain;
    const auto split =
        found->is_string() ? split_named(found->get<std::string>()) : std::optional<SourceSplit>();
    if (!split)
      throw wrong_type(fields.split, "\"train\", \"validation\" (or \"dev\", \"val\") or \"test\"",
                       *found);
    return *split;
  }

  bool next(SourceDocument& document) {
    std::string line;
    do {
      if (!lines.next(line)) {
        if (records > 0) return false;
        throw usage_error(concat("'", path.string(), "': expected at least one record, found ",
                                 lines.line_number(), " lines, all blank: the data is empty."),
                          "Give a file with one JSON object a line.");
      }
    } while (is_blank(line));
    const Json record = parse(line);
    const Json& text = field(record, fields.text, "data.text_field");
    if (!text.is_string()) throw wrong_type(fields.text, "a string", text);
    document.text = text.get<std::string>();
    document.split = read_split(record);
    document.labels.clear();
    if (!fields.labels.empty()) document.labels = read_labels(record);
    ++records;
    return true;
  }
};

JsonlSource::JsonlSource(const std::filesystem::path& path, JsonlFields fields)
    : impl_(std::make_unique<Impl>(path, std::move(fields))) {}
JsonlSource::~JsonlSource() = default;

bool JsonlSource::next(SourceDocument& document) {
  return impl_->next(document);
}

double JsonlSource::progress() const {
  return impl_->lines.progress();
}

std::int64_t JsonlSource::repaired_lines() const {
  return impl_->repaired;
}

}  // namespace dtbench
