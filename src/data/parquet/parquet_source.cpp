// The Parquet plug-in's reader: rows to documents (contract: data/parquet.h).
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/utf8.h"
#include "data/parquet/batches.h"
#include "data/parquet/class_labels.h"
#include "data/parquet/entry.h"
#include "data/parquet/values.h"
#include "data/split_field.h"

namespace dtbench {
namespace {

class ParquetSource : public DocumentSource {
 public:
  ParquetSource(std::string name, std::unique_ptr<ByteSource> bytes, const SourceFields& asked)
      : name_(std::move(name)),
        batches_(name_, std::move(bytes)),
        split_field_(asked.split, concat("'", name_, "'")) {
    const arrow::Schema& schema = batches_.schema();
    std::vector<std::string> present = schema.field_names();
    const auto has = [&](const std::string& field) {
      return std::find(present.begin(), present.end(), field) != present.end();
    };
    fields_ = locate_fields(asked, {has, [&] { return present; }}, concat("'", name_, "'"));
    require_type(fields_.text, "a string", holds_text);
    std::vector<std::string> columns = {fields_.text};
    if (fields_.with_labels) {
      require_label_type();
      class_names_ = class_names(schema, fields_.labels);
      require_distinct_names();
      scored_ = scored_labels(present, class_names_);
      columns.push_back(fields_.labels);
    }
    for (const std::string& column : split_columns(asked.split)) {
      split_names_[column] = class_names(schema, column);
      if (!asked.split.empty() && split_names_[column].empty())
        require_type(column, "a string", holds_text);
      columns.push_back(column);
    }
    batches_.choose(columns);
  }

  bool next(SourceDocument& document) override {
    if (!batch_ || ++row_ == batch_->num_rows()) {
      do {
        batch_ = batches_.next();
      } while (batch_ && batch_->num_rows() == 0);
      row_ = 0;
      if (!batch_) return false;
      text_ = column(fields_.text);
      labels_ = column(fields_.labels);
    }
    ++record_;
    read_text(document.text);
    read_labels(document);
    document.split = read_split();
    return true;
  }

  double progress() const override { return batches_.progress(); }
  std::vector<std::string> label_list() override {
    return {class_names_.begin(), class_names_.begin() + static_cast<std::ptrdiff_t>(scored_)};
  }
  SourceCounts counts() const override {
    SourceCounts counts = counts_;
    counts.notes = split_field_.notes();
    return counts;
  }
  std::string place() const override { return concat("'", name_, "' row ", record_); }

 private:
  static bool holds_labels(const arrow::DataType& type) {
    const auto item = item_type(type);
    const arrow::DataType& label = item ? *item : type;
    return holds_text(label) || holds_integer(label);
  }

  // Lists of these are 0 or 1 for each class, if anything.
  static bool holds_flags(const arrow::DataType& type) {
    const auto item = item_type(type);
    return item && holds_flag(*item);
  }

  void require_label_type() const {
    const auto column = batches_.schema().GetFieldByName(fields_.labels);
    const bool flags = column && holds_flags(*column->type());
    if (flags && fields_.label_form == LabelForm::kMultiHot) return;
    if (flags)
      throw usage_error(
          concat("'", name_, "' column '", fields_.labels, "': expected ids of labels, strings or ",
                 "integers, found ", column->type()->ToString(), "."),
          "Is it a 0 or 1 for each class? --set data.label_form=multi_hot reads it so.");
    require_type(fields_.labels, "a string, an integer, or a list of either", holds_labels);
  }

  void require_distinct_names() const {
    std::set<std::string> seen;
    for (const std::string& name : class_names_)
      if (!seen.insert(name).second)
        throw usage_error(concat("'", name_, "' column '", fields_.labels,
                                 "': expected class labels of different names, found \"",
                                 shortened(name, 60), "\" twice."),
                          "Rename one in the file's metadata, or write the labels as texts.");
  }

  // What may name the split: the column asked for, else those of the known ones that are there and
  // others whose name says so. Not all columns of text: each would have to be read.
  std::vector<std::string> split_columns(const std::string& asked) const {
    if (asked == kNoSplitField) return {};
    if (!asked.empty()) return {asked};
    std::vector<std::string> there;
    for (const char* name : kSplitFields)
      if (batches_.schema().GetFieldByName(name)) there.emplace_back(name);
    for (const std::string& name : batches_.schema().field_names())
      if (may_tell_split(name) && name != fields_.text && name != fields_.labels &&
          std::find(there.begin(), there.end(), name) == there.end() && is_word(name))
        there.push_back(name);
    return there;
  }

  bool is_word(const std::string& name) const {
    const auto column = batches_.schema().GetFieldByName(name);  // null when there are several
    return column && (holds_text(*column->type()) || holds_integer(*column->type()));
  }

  void require_type(const std::string& field, const char* expected,
                    bool (*holds)(const arrow::DataType&)) const {
    const auto column = batches_.schema().GetFieldByName(field);  // null when there are several
    if (column && holds(*column->type())) return;
    throw usage_error(
        concat("'", name_, "' column '", field, "': expected ", expected, ", found ",
               column ? column->type()->ToString() : "several columns of this name", "."),
        "Choose another column with data.text_field, data.label_field or data.split_field.");
  }

  const arrow::Array* column(const std::string& field) const {
    return field.empty() ? nullptr : batch_->GetColumnByName(field).get();
  }

  void read_text(std::string& text) {
    const std::string_view found = text_at(*text_, row_).value_or("");
    if (found.size() > kLongestDocument)
      throw usage_error(concat(place(), " column '", fields_.text, "': expected a text of at most ",
                               human_bytes(kLongestDocument), ", found ", found.size(), " bytes."),
                        "Split the document into several.");
    text = found;
    if (is_valid_utf8(text)) return;
    text = repair_utf8(text);
    ++counts_.repaired_lines;
  }

  void read_labels(SourceDocument& document) {
    document.labels.clear();
    document.null_labels = 0;
    if (labels_ == nullptr) return;
    const bool list = item_type(*labels_->type()) != nullptr;
    const ItemRange items = list ? items_at(*labels_, row_) : ItemRange{labels_, row_, row_ + 1};
    for (std::int64_t i = items.begin; i < items.end; ++i)
      if (!add_item(*items.values, i, document.labels) && list) ++document.null_labels;
  }

  // Whether there is one: false for null.
  bool add_item(const arrow::Array& values, std::int64_t i, std::vector<std::string>& labels) {
    if (holds_text(*values.type())) {
      const auto label = text_at(values, i);
      if (label && !is_valid_utf8(*label))
        throw wrong_value(fields_.labels, "a label in UTF-8",
                          concat("\"", shortened(repair_utf8(*label), 60), "\""),
                          "Write the labels in UTF-8.");
      if (label) labels.emplace_back(*label);
      return label.has_value();
    }
    if (holds_flag(*values.type())) {
      labels.push_back(flag_at(values, i));
      return true;
    }
    if (class_names_.empty()) {
      const auto label = integer_text_at(values, i);
      if (label) labels.push_back(*label);
      return label.has_value();
    }
    const auto label = integer_at(values, i);
    if (label) add_label(*label, labels);
    return label.has_value();
  }

  void add_label(std::int64_t label, std::vector<std::string>& labels) {
    if (label >= 0 && static_cast<std::size_t>(label) < scored_) {
      labels.push_back(class_names_[static_cast<std::size_t>(label)]);
    } else if (label >= 0 && static_cast<std::size_t>(label) < class_names_.size()) {
      ++counts_.unscored_labels;
    } else if (label != -1) {  // -1 is how `datasets` marks a document without a class
      throw wrong_value(fields_.labels, concat("a class label in -1..", class_names_.size() - 1),
                        std::to_string(label), "Mend the file, or write the labels as texts.");
    }
  }

  std::optional<SourceSplit> read_split() {
    const auto look_up = [&](const std::string& name) -> SplitField::Value {
      const arrow::Array* values = column(name);
      if (values == nullptr) return {};
      const auto text = split_text(name, *values);
      if (!text && !holds_text(*values->type()))
        return {true, std::nullopt, values->type()->ToString()};
      if (!text) return {true, std::nullopt, "null"};
      return {true, *text, concat("\"", shortened(*text, 60), "\"")};
    };
    const auto others = [&] {
      std::vector<std::string> names;
      for (const auto& [name, class_names] : split_names_)
        names.push_back(name);
      return names;
    };
    return split_field_.read(look_up, others,
                             [&](const std::string& message, const std::string& hint) {
                               return usage_error(concat(place(), ": ", message), hint);
                             });
  }

  // `datasets` may keep a split as a class label, too.
  std::optional<std::string> split_text(const std::string& name, const arrow::Array& values) const {
    if (holds_text(*values.type())) {
      const auto text = text_at(values, row_);
      return text ? std::optional(std::string(*text)) : std::nullopt;
    }
    const std::vector<std::string>& names = split_names_.at(name);
    const auto index = holds_integer(*values.type()) ? integer_at(values, row_) : std::nullopt;
    if (!index || *index < 0 || static_cast<std::size_t>(*index) >= names.size())
      return std::nullopt;
    return names[static_cast<std::size_t>(*index)];
  }

  Error wrong_value(const std::string& field, const std::string& expected, const std::string& found,
                    const std::string& hint) const {
    return usage_error(
        concat(place(), " column '", field, "': expected ", expected, ", found ", found, "."),
        hint);
  }

  std::string name_;
  ParquetBatches batches_;
  SplitField split_field_;
  SourceFields fields_;
  std::vector<std::string> class_names_;
  std::size_t scored_ = 0;
  std::map<std::string, std::vector<std::string>> split_names_;  // of columns that may name a split
  std::shared_ptr<arrow::RecordBatch> batch_;
  const arrow::Array *text_ = nullptr, *labels_ = nullptr;
  std::int64_t row_ = 0;
  std::int64_t record_ = 0;  // from 1, in the whole file
  SourceCounts counts_;
};

}  // namespace
}  // namespace dtbench

dtbench::DocumentSource* dtbench_open_parquet(const std::string& name, dtbench::ByteSource* bytes,
                                              const dtbench::SourceFields& fields) {
  return new dtbench::ParquetSource(name, std::unique_ptr<dtbench::ByteSource>(bytes), fields);
}
