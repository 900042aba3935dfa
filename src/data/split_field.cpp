#include "data/split_field.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "data/source_fields.h"

namespace dtbench {
namespace {

constexpr const char* kHint =
    "--set data.split_field=none reads no split from a field; another name reads that one.";

std::optional<SourceSplit> split_of(const SplitField::Value& value) {
  return value.text ? split_named(*value.text) : std::nullopt;
}

bool is_known(const std::string& name) {
  return std::find(kSplitFields.begin(), kSplitFields.end(), name) != kSplitFields.end();
}

// "split" hardly ever means anything else, and a misspelt "trian" must not become no split.
bool is_misspelt(const std::string& name, const SplitField::Value& value) {
  return name == "split" && value.text && !nearest(*value.text, split_words()).empty();
}

std::string wrong_value(const std::string& name, const SplitField::Value& value) {
  return concat("field '", name, "': expected ", kSplitNames, ", found ", value.shown, ".");
}

}  // namespace

SplitField::SplitField(std::string asked, std::string origin)
    : name_(std::move(asked)), origin_(std::move(origin)), known_(name_.empty()) {
  if (name_ == kNoSplitField) name_.clear();
}

std::optional<SourceSplit> SplitField::read(const LookUp& look_up, const Others& others,
                                            const Fail& fail) {
  if (first_ && known_) choose(look_up, others, fail);
  first_ = false;
  if (name_.empty()) {
    if (known_) expect_none(look_up, fail);
    return std::nullopt;
  }
  const Value value = look_up(name_);
  if (!value.present)
    throw fail(concat("expected field '", name_,
                      "' in every record or in none, found it in the first record but not here."),
               kHint);
  if (const auto split = split_of(value)) return split;
  throw fail(wrong_value(name_, value), kHint);
}

void SplitField::choose(const LookUp& look_up, const Others& others, const Fail& fail) {
  for (const char* name : kSplitFields) {
    const Value value = look_up(name);
    if (!value.present) continue;
    if (split_of(value)) {
      name_ = name;
      return;
    }
    if (is_misspelt(name, value)) throw fail(wrong_value(name, value), kHint);
    notes_.push_back(concat(origin_, ": the field '", name, "' is not taken for a split, since ",
                            value.shown, " names none"));
    log_info(notes_.back());
  }
  for (const std::string& name : others()) {
    const Value value = look_up(name);
    if (is_known(name) || !split_of(value)) continue;
    throw fail(concat("expected the split in a field '", kSplitFields[0], "' or '", kSplitFields[1],
                      "', found ", value.shown, " in the field '", name, "', which names one."),
               concat("--set data.split_field=", name, " reads the split from it; ",
                      "--set data.split_field=none reads no split from a field."));
  }
}

void SplitField::expect_none(const LookUp& look_up, const Fail& fail) const {
  for (const char* name : kSplitFields) {
    const Value value = look_up(name);
    if (value.present && split_of(value))
      throw fail(concat("expected field '", name, "' to name a split in every record or in none, ",
                        "found ", value.shown, " here but none in the first record: it is not ",
                        "there or says something else."),
                 kHint);
  }
}

}  // namespace dtbench
