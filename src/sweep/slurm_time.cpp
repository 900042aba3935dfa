#include "sweep/slurm_time.h"

#include <regex>

namespace dtbench {
namespace {

std::int64_t number(const std::ssub_match& digits) {
  return digits.length() == 0 ? 0 : std::stoll(digits.str());
}

}  // namespace

std::optional<std::int64_t> slurm_seconds(const std::string& limit) {
  if (limit == "UNLIMITED" || limit == "INFINITE") return 0;
  static const std::regex with_days("(\\d{1,6})-(\\d{1,6})(?::(\\d{1,6}))?(?::(\\d{1,6}))?");
  static const std::regex without("(?:(?:(\\d{1,6}):)?(\\d{1,6}):(\\d{1,6}))|(\\d{1,9})");
  std::smatch part;
  if (std::regex_match(limit, part, with_days))
    return ((number(part[1]) * 24 + number(part[2])) * 60 + number(part[3])) * 60 + number(part[4]);
  if (std::regex_match(limit, part, without))
    return part[4].matched ? number(part[4]) * 60
                           : (number(part[1]) * 60 + number(part[2])) * 60 + number(part[3]);
  return std::nullopt;
}

std::int64_t slurm_warning_seconds(const std::string& signal) {
  static const std::regex with_time(".*@(\\d{1,9})");
  std::smatch part;
  return std::regex_match(signal, part, with_time) ? number(part[1]) : 60;
}

}  // namespace dtbench
