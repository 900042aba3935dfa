// The forms in which a data set may write labels (docs/data.md), by the names of data.label_form.
#pragma once

#include <string>

namespace dtbench {

enum class LabelForm {
  kUnset,     // ids, unless they look like one of the other forms: that is an error
  kIds,       // as they are
  kMultiHot,  // 0 or 1 for each class; labels are the positions of the ones, from "0"
  kTextList,  // text that lists ids (data/label_text.h): "['a', 'b']", "a,b", "a;b", "a|b"
};

// "", "ids", "multi_hot", "text_list". Throws Error (usage) naming data.label_form.
LabelForm label_form_named(const std::string& name);

}  // namespace dtbench
