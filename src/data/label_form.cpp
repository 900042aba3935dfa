#include "data/label_form.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "data/label_text.h"
#include "data/label_vectors.h"

namespace dtbench {
namespace {

using Labels = std::vector<std::string>;

// So many documents make chance improbable, and no hours pass before they are there.
constexpr std::int64_t kEvidence = 32;

bool is_number(const ListedItem& item) {
  const std::string number = flag_of(item.text);
  return number.find_first_not_of("0123456789") == std::string::npos;
}

// A name may hold a comma; several numbers in one text are no name.
bool looks_like_list(const std::string& label) {
  if (is_bracketed(label)) return true;
  if (label.find_first_of(" ,;|") == std::string::npos) return false;
  try {
    const std::vector<ListedItem> items = listed(label);
    return items.size() > 1 && std::all_of(items.begin(), items.end(), is_number);
  } catch (const ListFault&) {
    return false;
  }
}

// Of a text that lists labels; `nulls` counts those that Python or JSON wrote for none.
Labels values_in(const std::string& text, std::size_t& nulls) {
  Labels values;
  const bool in_brackets = is_bracketed(text);
  for (const ListedItem& item : listed(text)) {
    const bool null = in_brackets && !item.quoted && (item.text == "None" || item.text == "null");
    if (null)
      ++nulls;
    else if (!item.text.empty())
      values.push_back(item.text);
  }
  return values;
}

Labels flags_of(Labels values) {
  std::transform(values.begin(), values.end(), values.begin(), flag_of);
  return values;
}

class FormedSource : public DocumentSource {
 public:
  FormedSource(std::unique_ptr<DocumentSource> source, LabelForm form)
      : source_(std::move(source)), form_(form) {}

  bool next(SourceDocument& document) override {
    if (!source_->next(document)) {
      refuse_vectors(1);
      return false;
    }
    if (form_ != LabelForm::kMultiHot) std::erase(document.labels, "");  // an empty text is no id
    if (document.labels.empty() && document.null_labels == 0) return true;
    switch (form_) {
      case LabelForm::kUnset:
        refuse_lists(document.labels);
        look_at(document.labels, document.null_labels);
        break;
      case LabelForm::kIds:
        break;
      case LabelForm::kMultiHot:
        take_ones(document);
        break;
      case LabelForm::kTextList:
        take_apart(document);
        look_at(flags_of(document.labels), document.null_labels);
        break;
    }
    return true;
  }

  double progress() const override { return source_->progress(); }
  SourceCounts counts() const override { return source_->counts(); }
  std::string place() const override { return source_->place(); }

  // After the last document the classes that none has, too.
  Labels label_list() override {
    Labels labels = source_->label_list();
    if (form_ != LabelForm::kMultiHot) return labels;
    labels.clear();  // of 0 and 1
    for (std::size_t i = 0; i < width_; ++i)
      labels.push_back(std::to_string(i));
    return labels;
  }

 private:
  void refuse_lists(const Labels& labels) const {
    const auto list = std::find_if(labels.begin(), labels.end(), looks_like_list);
    if (list == labels.end()) return;
    throw usage_error(concat(source_->place(), ": expected the id of a label, found text that ",
                             "looks like a list of them: \"", shortened(*list, 60), "\"."),
                      concat(is_vector_as_text(*list)
                                 ? "--set data.label_form=multi_hot reads a 0 or 1 for each class; "
                                 : "",
                             "--set data.label_form=text_list takes it apart; "
                             "--set data.label_form=ids takes it for one label."));
  }

  static bool is_vector_as_text(const std::string& text) {
    try {
      std::size_t nulls = 0;
      const Labels flags = flags_of(values_in(text, nulls));
      return flags.size() > 1 && std::all_of(flags.begin(), flags.end(), is_flag);
    } catch (const ListFault&) {
      return false;
    }
  }

  void look_at(const Labels& labels, std::size_t nulls) {
    if (labels.empty()) return;
    vectors_.look_at(labels, nulls);
    refuse_vectors(kEvidence);
  }

  void refuse_vectors(std::int64_t evidence) const {
    if (!vectors_.found(evidence)) return;
    const std::size_t width = vectors_.width();
    throw usage_error(
        concat(source_->place(), ": expected ids of labels, found what looks like a 0 or 1 for ",
               "each of ", width, " classes: ", vectors_.count(), " of the first ",
               vectors_.documents(), " documents with labels have ", width,
               " values each, and only 0 and 1 (or -1, -100 or null)."),
        concat("--set data.label_form=multi_hot reads them so, with labels \"0\" to \"", width - 1,
               form_ == LabelForm::kTextList
                   ? "\". If they are ids, write them as JSON lists and set it to ids."
                   : "\"; --set data.label_form=ids takes 0 and 1 for two labels."));
  }

  Error fault(const std::string& expected, const std::string& found,
              const std::string& hint) const {
    return usage_error(concat(source_->place(), ": expected ", expected, ", found ", found, "."),
                       hint);
  }

  // A vector may be text: "[1, 0, 1]".
  void take_ones(SourceDocument& document) {
    Labels values = document.labels;
    std::size_t nulls = document.null_labels;
    if (values.size() == 1 && nulls == 0) values = values_of(values.front(), nulls);
    values = flags_of(values);
    const auto fail = [&](const std::string& found) {
      return fault("a 0 or 1 for each class (data.label_form is multi_hot)", found,
                   "Write 0 or 1 for every class, or leave the document out; unset "
                   "data.label_form if the labels are ids.");
    };
    if (nulls > 0) throw fail("null");
    if (values.empty()) throw fail("no values");
    if (width_ == 0) width_ = values.size();
    if (values.size() != width_)
      throw fail(concat(values.size(), " values after documents with ", width_));
    document.labels.clear();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] == "1") document.labels.push_back(std::to_string(i));
      if (values[i] != "1" && values[i] != "0") throw fail(shortened(values[i], 60));
    }
  }

  void take_apart(SourceDocument& document) const {
    Labels items;
    for (const std::string& label : document.labels)
      for (std::string& item : values_of(label, document.null_labels))
        items.push_back(std::move(item));
    document.labels = std::move(items);
  }

  Labels values_of(const std::string& text, std::size_t& nulls) const {
    try {
      return values_in(text, nulls);
    } catch (const ListFault& why) {
      throw fault("text that lists labels, such as ['a', 'b'] or a,b",
                  concat("\"", shortened(text, 60), "\": ", why.what()),
                  "Write the labels as a JSON list of texts.");
    }
  }

  std::unique_ptr<DocumentSource> source_;
  LabelForm form_;
  LabelVectors vectors_;
  std::size_t width_ = 0;  // of multi_hot
};

}  // namespace

bool labels_in_doubt(const std::vector<std::string>& labels) {
  return !labels.empty() && (std::all_of(labels.begin(), labels.end(), is_flag) ||
                             std::any_of(labels.begin(), labels.end(), looks_like_list));
}

std::unique_ptr<DocumentSource> with_label_form(std::unique_ptr<DocumentSource> source,
                                                LabelForm form) {
  return std::make_unique<FormedSource>(std::move(source), form);
}

}  // namespace dtbench
