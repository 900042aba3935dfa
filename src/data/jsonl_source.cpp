#include "data/jsonl_source.h"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/read_file.h"
#include "base/text.h"
#include "base/utf8.h"
#include "data/line_reader.h"
#include "data/split_field.h"

namespace dtbench {
namespace {

constexpr std::size_t kMostValues = 1'000'000;  // in a line: each takes 16 bytes or more

std::string excerpt(const Json& value) {
  constexpr std::size_t kLongest = 60;
  return concat(value.type_name(), " ", shortened(json_text(value), kLongest));
}

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r") == std::string::npos;
}

constexpr const char* kOneALine =
    "Write one JSON object per line. A list of objects: jq -c '.[]' FILE > data.jsonl; "
    "objects over several lines: jq -c . FILE > data.jsonl.";

// What else a line may be, told by its first bytes, before repair.
std::string hint_for_malformed(std::string_view beginning, std::string_view line) {
  constexpr std::array<std::string_view, 5> kCompressed = {"BZh", "\xFD\x37zXZ", "\x28\xB5\x2F\xFD",
                                                           "\x1F\x8B", "PK\x03\x04"};
  for (const std::string_view magic : kCompressed)
    if (beginning.starts_with(magic))
      return "It looks compressed. Decompress it first; only gzip is read as it is, and once.";
  if (beginning.starts_with("\xFF\xFE") || beginning.starts_with("\xFE\xFF"))
    return "It looks like UTF-16. Convert it: iconv -f utf-16 -t utf-8.";
  if (line.find('\r') != line.npos && line.find('\r') + 1 < line.size())
    return "Its lines seem to end in carriage returns alone. Convert them: tr '\\r' '\\n'.";
  if (line.find("NaN") != line.npos || line.find("Infinity") != line.npos)
    return "JSON has no NaN or Infinity: write null, or leave the field out.";
  return kOneALine;
}

// Python's json.dumps writes a text that was cut inside a pair of surrogates as "\ud83d", which is
// no character. Such an escape becomes that of U+FFFD; says whether there was any.
bool repair_lone_surrogates(std::string& line) {
  // The value of the escape at `at`, 0 for none.
  const auto escaped = [&](std::size_t at) {
    unsigned value = 0;
    if (at + 6 > line.size() || line[at] != '\\' || line[at + 1] != 'u') return 0u;
    const char* digits = line.data() + at + 2;
    return std::from_chars(digits, digits + 4, value, 16).ptr == digits + 4 ? value : 0u;
  };
  const auto is_high = [](unsigned value) { return value >= 0xD800 && value < 0xDC00; };
  const auto is_low = [](unsigned value) { return value >= 0xDC00 && value < 0xE000; };
  bool repaired = false;
  for (std::size_t i = 0; (i = line.find('\\', i)) != std::string::npos;) {
    const unsigned value = escaped(i);
    const bool pair = is_high(value) && is_low(escaped(i + 6));
    if (!pair && (is_high(value) || is_low(value))) {
      line.replace(i, 6, "\\ufffd");
      repaired = true;
    }
    i += pair ? 12 : 2;
  }
  return repaired;
}

// Of the fields, those inside others with a dot ("text", "text.en"): the first ones, for a message.
void collect_names(const Json& record, const std::string& prefix, std::vector<std::string>& names) {
  constexpr std::size_t kMostNames = 100, kLongestName = 200;
  for (const auto& [key, value] : record.items()) {
    if (names.size() >= kMostNames) return;
    if (prefix.size() + key.size() > kLongestName) continue;
    names.push_back(prefix + key);
    if (value.is_object()) collect_names(value, concat(names.back(), "."), names);
  }
}

std::vector<std::string> names_in(const Json& record) {
  std::vector<std::string> names;
  collect_names(record, "", names);
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
  SplitField split;
  LineReader lines;
  std::int64_t records = 0;
  std::int64_t repaired = 0;
  bool line_repaired = false;

  Impl(const std::filesystem::path& file, SourceFields asked)
      : path(file),
        fields(std::move(asked)),
        split(fields.split, concat("'", file.string(), "'")),
        lines(file, kLongestLine) {}

  std::string place() const { return concat("'", path.string(), "' line ", lines.line_number()); }

  Error fail(const std::string& message, const std::string& hint = "") const {
    return usage_error(concat(place(), ": ", message), hint);
  }

  Error wrong_type(const std::string& field, const char* expected, const Json& found,
                   const char* hint = "") const {
    return fail(concat("field '", field, "': expected ", expected, ", found ", excerpt(found), "."),
                hint);
  }

  Json parse(std::string& line) {
    const std::string beginning = line.substr(0, 8);
    line_repaired = !is_valid_utf8(line);
    if (line_repaired) line = repair_utf8(line);
    line_repaired = repair_lone_surrogates(line) || line_repaired;
    repaired += line_repaired ? 1 : 0;
    try {
      Json record = parse_json(line, {.values = kMostValues, .unique_names = true});
      if (record.is_object()) return record;
      throw fail(concat("expected a JSON object, found ", excerpt(record), "."), kOneALine);
    } catch (const Json::parse_error& error) {
      if (records == 0) require_no_lfs_pointer(line, path.string());
      throw fail(concat("expected a JSON object, found text that is not valid JSON (",
                        json_fault(error), ")."),
                 hint_for_malformed(beginning, line));
    }
  }

  SourceFields located_in(const Json& record) const {
    return locate_fields(
        fields,
        {[&](const std::string& name) { return find_field(record, name) != nullptr; },
         [&] { return names_in(record); }},
        place());
  }

  const Json& field(const Json& record, const std::string& name, const char* setting) const {
    if (const Json* found = find_field(record, name)) return *found;
    throw fail(concat("expected a field '", name, "' (", setting, "), found none. ",
                      suggestion(name, names_in(record))),
               concat("Set ", setting, " to one of the file's fields."));
  }

  // In a text, what is no Unicode is repaired; different labels would become the same one.
  std::string label(const Json& value) const {
    if (value.is_number_integer()) return value.dump();
    if (!value.is_string())
      throw wrong_type(fields.labels, "a string, an integer, or a list of them", value,
                       "Write ids of labels as texts or integers, or choose another field with "
                       "data.label_field.");
    std::string id = value.get<std::string>();
    if (line_repaired && id.find("\xEF\xBF\xBD") != std::string::npos)
      throw fail(concat("field '", fields.labels, "': expected a label in UTF-8, found \"",
                        shortened(id, 60), "\", which is no valid Unicode."),
                 "Convert the file to UTF-8, for example from Latin-1: iconv -f latin1 -t utf-8.");
    return id;
  }

  // Trainers of several labels want vectors of floats, which no ids are.
  std::string item(const Json& value) const {
    const bool one = value == 1.0 || value == true, zero = value == 0.0 || value == false;
    if ((!value.is_number_float() && !value.is_boolean()) || !(one || zero)) return label(value);
    if (fields.label_form == LabelForm::kMultiHot) return one ? "1" : "0";
    throw wrong_type(fields.labels, "ids of labels, strings or integers", value,
                     "Is it a 0 or 1 for each class? --set data.label_form=multi_hot reads it so.");
  }

  // As in Parquet null is no label, of a document and in a list.
  void read_labels(const Json& record, SourceDocument& document) const {
    document.labels.clear();
    document.null_labels = 0;
    if (!fields.with_labels) return;
    const Json& value = field(record, fields.labels, "data.label_field");
    if (!value.is_array()) {
      if (!value.is_null()) document.labels.push_back(label(value));
      return;
    }
    for (const Json& element : value) {
      if (element.is_null())
        ++document.null_labels;
      else
        document.labels.push_back(item(element));
    }
  }

  std::optional<SourceSplit> read_split(const Json& record) {
    const auto look_up = [&](const std::string& name) -> SplitField::Value {
      const Json* value = find_field(record, name);
      if (value == nullptr) return {};
      return {true, value->is_string() ? std::optional(value->get<std::string>()) : std::nullopt,
              excerpt(*value)};
    };
    const auto others = [&] {
      std::vector<std::string> names;
      for (const auto& [name, value] : record.items())
        if (value.is_string() && name != fields.text && name != fields.labels)
          names.push_back(name);
      return names;
    };
    return split.read(look_up, others, [&](const std::string& message, const std::string& hint) {
      return fail(message, hint);
    });
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
    if (records == 0) fields = located_in(record);
    const Json& text = field(record, fields.text, "data.text_field");
    if (!text.is_string() && !text.is_null())
      throw wrong_type(fields.text, "a string", text, "Choose another field with data.text_field.");
    document.text = text.is_null() ? "" : text.get<std::string>();
    if (document.text.size() > kLongestDocument)
      throw fail(concat("expected a text of at most ", human_bytes(kLongestDocument), ", found ",
                        document.text.size(), " bytes."),
                 "Split the document into several.");
    document.split = read_split(record);
    read_labels(record, document);
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

std::string JsonlSource::place() const {
  return impl_->place();
}

double JsonlSource::progress() const {
  return impl_->lines.progress();
}

SourceCounts JsonlSource::counts() const {
  return {.repaired_lines = impl_->repaired, .notes = impl_->split.notes()};
}

}  // namespace dtbench
