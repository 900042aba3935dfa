#include "data/label_form.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

using Labels = std::vector<std::string>;

constexpr std::array kForms = {std::pair{LabelForm::kUnset, ""}, std::pair{LabelForm::kIds, "ids"},
                               std::pair{LabelForm::kMultiHot, "multi_hot"},
                               std::pair{LabelForm::kTextList, "text_list"}};
constexpr const char* kSpace = " \t\r\n";
constexpr const char* kSeparators = ",;|";
// So many documents make chance improbable, and no hours pass before they are there.
constexpr std::int64_t kEvidence = 32;

std::string_view trimmed(std::string_view text, const char* what = kSpace) {
  const std::size_t begin = text.find_first_not_of(what);
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(what) + 1 - begin);
}

bool is_bracketed(std::string_view text) {
  return (text.starts_with('[') && text.ends_with(']')) ||
         (text.starts_with('(') && text.ends_with(')')) ||
         (text.starts_with('{') && text.ends_with('}'));
}

// numpy prints lists without commas.
Labels listed(std::string_view text) {
  text = trimmed(text);
  if (is_bracketed(text)) text = text.substr(1, text.size() - 2);
  const char* separators =
      text.find_first_of(kSeparators) == std::string_view::npos ? kSpace : kSeparators;
  Labels labels;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
    const std::string_view item = trimmed(trimmed(text.substr(begin, end - begin)), "'\"");
    if (!item.empty()) labels.emplace_back(item);
    begin = end + 1;
  }
  return labels;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// A name may hold a comma; several numbers in one text are no name.
bool looks_like_list(std::string_view label) {
  if (is_bracketed(trimmed(label))) return true;
  if (label.find_first_of(" ,;|") == std::string_view::npos) return false;
  const Labels items = listed(label);
  return items.size() > 1 && std::all_of(items.begin(), items.end(), is_number);
}

bool is_flag(const std::string& label) {
  return label == "0" || label == "1";
}

bool is_vector(const Labels& labels) {
  return labels.size() > 1 && std::all_of(labels.begin(), labels.end(), is_flag);
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
    if (document.labels.empty()) return true;
    switch (form_) {
      case LabelForm::kUnset:
        look_at(document.labels);
        refuse_vectors(kEvidence);
        break;
      case LabelForm::kIds:
        break;
      case LabelForm::kMultiHot:
        document.labels = positions_of_ones(document.labels);
        break;
      case LabelForm::kTextList:
        document.labels = items_of(document.labels);
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
  // Ids could be 0 and 1 alone, but no document has the same id twice for nothing.
  void look_at(const Labels& labels) {
    for (const std::string& label : labels)
      if (looks_like_list(label))
        throw usage_error(concat(source_->place(), ": expected the id of a label, found text that ",
                                 "looks like a list of them: \"", shortened(label, 60), "\"."),
                          "--set data.label_form=text_list takes it apart; "
                          "--set data.label_form=ids takes it for one label.");
    if (!all_vectors_) return;
    const bool alike = is_vector(labels) && (vectors_ == 0 || labels.size() == width_);
    if (!alike) all_vectors_ = false;
    width_ = labels.size();
    ++vectors_;
    repeated_ = repeated_ || std::set<std::string>(labels.begin(), labels.end()).size() < width_;
  }

  void refuse_vectors(std::int64_t evidence) const {
    if (form_ != LabelForm::kUnset || !all_vectors_ || !repeated_ || vectors_ < evidence) return;
    throw usage_error(
        concat(source_->place(), ": expected ids of labels, found what looks like a 0 or 1 for ",
               "each of ", width_, " classes: the first ", vectors_, " documents with labels have ",
               width_, " values each, and only 0 and 1."),
        concat("--set data.label_form=multi_hot reads them so, with labels \"0\" to \"", width_ - 1,
               "\"; --set data.label_form=ids takes 0 and 1 for two labels."));
  }

  Labels positions_of_ones(const Labels& labels) {
    const auto fail = [&](const std::string& found) {
      return usage_error(concat(source_->place(), ": expected a 0 or 1 for each class ",
                                "(data.label_form is multi_hot), found ", found, "."),
                         "Unset data.label_form if the labels are ids.");
    };
    if (width_ == 0) width_ = labels.size();
    if (labels.size() != width_)
      throw fail(concat(labels.size(), " values after documents with ", width_));
    Labels ones;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == "1") ones.push_back(std::to_string(i));
      if (labels[i] != "1" && labels[i] != "0") throw fail(shortened(labels[i], 60));
    }
    return ones;
  }

  static Labels items_of(const Labels& labels) {
    Labels items;
    for (const std::string& label : labels)
      for (std::string& item : listed(label))
        items.push_back(std::move(item));
    return items;
  }

  std::unique_ptr<DocumentSource> source_;
  LabelForm form_;
  bool all_vectors_ = true, repeated_ = false;
  std::int64_t vectors_ = 0;
  std::size_t width_ = 0;
};

}  // namespace

LabelForm label_form_named(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& [form, its_name] : kForms) {
    if (name == its_name) return form;
    if (*its_name != '\0') known.emplace_back(its_name);
  }
  throw usage_error(concat("data.label_form: expected ", join(known, ", "), ", got '", name, "'."),
                    suggestion(name, known));
}

bool labels_in_doubt(const std::vector<std::string>& labels) {
  return !labels.empty() && (std::all_of(labels.begin(), labels.end(), is_flag) ||
                             std::any_of(labels.begin(), labels.end(), looks_like_list));
}

std::unique_ptr<DocumentSource> with_label_form(std::unique_ptr<DocumentSource> source,
                                                LabelForm form) {
  return std::make_unique<FormedSource>(std::move(source), form);
}

}  // namespace dtbench
