// Patterns over the names of a model's modules, as records and `dtbench explain` have them:
// "transformer.h.*.ln_2". A part is a name or *, which stands for any one part.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dtbench {

// Whether it can match anything: parts that are not empty, with a dot between two, in which *
// stands alone.
bool is_module_pattern(std::string_view pattern);

// Whether an exception with this pattern applies to the module.
bool matches_module(std::string_view pattern, std::string_view module);

// Whether it matches `module` or one that `module` lies in.
bool covers_module(std::string_view pattern, std::string_view module);

// Throws Error (usage) unless `pattern` matches one of a model's `modules`, naming the nearest.
void require_module(std::string_view pattern, const std::vector<std::string>& modules);

}  // namespace dtbench
