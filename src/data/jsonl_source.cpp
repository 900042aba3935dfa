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

// Of all fields, those inside others with a dot: "text", "text.en".
std::vector<std::string> names_in(const Json& record) {
  std::vector<std::string> names;
  for (const auto& [key, value] : record.items()) {
    names.push_back(key);
    if (!value.is_object()) continue;
    for (const std::string& inner : names_in(value))
      names.push_back(concat(key, ".", inner));
  }
  return names;
}

const Json* find_field(const Json& record, const std::string& name) {
  if (!record.is_object()) return nullptr;
  if (const auto found = record.find(name); found != record.end()) return &*found;
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return nullptr;
  const auto outer = record.find(name.substr(0, dot));
  return outer == record.end() ? nullptr : find_field(*outer, name.substr(dot + 1));
}

}  // namespace

struct JsonlSource::Impl {
  std::filesystem::path path;
  SourceFields fields;  // as asked for, and from the first record on as found
  LineReader lines;
  std::int64_t records = 0;
  std::int64_t repaired = 0;

  Impl(const std::filesystem::path& file, SourceFields asked)
      : path(file), fields(std::move(asked)), lines(file) {}

  std::string place() const { return concat("'", path.string(), "' line ", lines.line_number()); }

  Error fail(const std::string& message, const std::string& hint = "") const {
    return usage_error(concat(place(), ": ", message), hint);
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
    if (const Json* found = find_field(record, name)) return *found;
    throw fail(concat("expected a field '", name, "' (", setting, "), found none. ",
                      suggestion(name, names_in(record))),
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

  std::optional<SourceSplit> read_split(const Json& record) const {
    const auto fail_unequal = [&](const std::string& name, const char* found) {
      return fail(concat("expected field '", name, "' in every record or in none, found ", found));
    };
    if (fields.split.empty()) {
      for (const char* name : kSplitFields)
        if (record.contains(name)) throw fail_unequal(name, "it here but not in the first record.");
      return std::nullopt;
    }
    const auto found = record.find(fields.split);
    if (found == record.end())
      throw fail_unequal(fields.split, "it in the first record but not here.");
    const auto split =
        found->is_string() ? split_named(found->get<std::string>()) : std::optional<SourceSplit>();
    if (!split) throw wrong_type(fields.split, kSplitNames, *found);
    return split;
  }

  bool next(SourceDocument& document) {
    std::string line;
    do {
      if (!lines.next(line)) {
        if (records > 0) return false;
        throw usage_error(concat("'", path.string(), "': expected at least one record, found ",
                                 lines.line_number(), " lines, all blank: the data is empty."),
                          "Give a file with one JSON object per line.");
      }
    } while (is_blank(line));
    const Json record = parse(line);
    if (records == 0) fields = locate_fields(fields, names_in(record), place());
    const Json& text = field(record, fields.text, "data.text_field");
    if (!text.is_string() && !text.is_null()) throw wrong_type(fields.text, "a string", text);
    document.text = text.is_null() ? "" : text.get<std::string>();
    document.split = read_split(record);
    document.labels.clear();
    if (fields.with_labels) document.labels = read_labels(record);
    ++records;
    return true;
  }
};

JsonlSource::JsonlSource(const std::filesystem::path& path, SourceFields fields)
    : impl_(std::make_unique<Impl>(path, std::move(fields))) {}
JsonlSource::~JsonlSource() = default;

bool JsonlSource::next(SourceDocument& document) {
  return impl_->next(document);
}

double JsonlSource::progress() const {
  return impl_->lines.progress();
}

SourceCounts JsonlSource::counts() const {
  return {.repaired_lines = impl_->repaired};
}

}  // namespace dtbench
