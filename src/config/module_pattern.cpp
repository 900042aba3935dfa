#include "config/module_pattern.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

std::vector<std::string> parts_of(std::string_view name) {
  std::vector<std::string> parts(1);
  for (const char c : name)
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

bool is_number(const std::string& part) {
  return std::ranges::all_of(part, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// "transformer.h.3.ln_2" -> "transformer.h.*.ln_2": what the layers have in common.
std::string in_every_layer(std::string_view module) {
  std::vector<std::string> parts;
  for (const std::string& part : parts_of(module))
    parts.push_back(is_number(part) ? std::string(1, '*') : part);
  return join(parts, ".");
}

}  // namespace

bool is_module_pattern(std::string_view pattern) {
  return std::ranges::all_of(parts_of(pattern), [](const std::string& part) {
    return part == "*" || (!part.empty() && part.find('*') == std::string::npos);
  });
}

bool matches_module(std::string_view pattern, std::string_view module) {
  return std::ranges::equal(parts_of(pattern), parts_of(module),
                            [](const std::string& wanted, const std::string& part) {
                              return wanted == "*" || wanted == part;
                            });
}

bool covers_module(std::string_view pattern, std::string_view module) {
  while (!matches_module(pattern, module)) {
    const std::size_t dot = module.rfind('.');
    if (dot == std::string_view::npos) return false;
    module = module.substr(0, dot);
  }
  return true;
}

void require_module(std::string_view pattern, const std::vector<std::string>& modules) {
  std::vector<std::string> known;
  for (const std::string& module : modules) {
    if (matches_module(pattern, module)) return;
    const std::string general = in_every_layer(module);
    if (std::ranges::find(known, general) == known.end()) known.push_back(general);
  }
  throw usage_error(concat("The policy makes an exception for '", pattern,
                           "', but the model has no such module."),
                    suggestion(pattern, known));
}

}  // namespace dtbench
