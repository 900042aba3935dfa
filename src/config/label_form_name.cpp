#include "config/label_form_name.h"

#include <array>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr std::array kForms = {std::pair{LabelForm::kUnset, ""}, std::pair{LabelForm::kIds, "ids"},
                               std::pair{LabelForm::kMultiHot, "multi_hot"},
                               std::pair{LabelForm::kTextList, "text_list"}};

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

}  // namespace dtbench
