#include "analysis/looks.h"

#include <algorithm>
#include <array>

#include "config/fields.h"

namespace dtbench {
namespace {

constexpr std::array kVerdicts = {EnumName{Verdict::kSupported, "supported"},
                                  EnumName{Verdict::kUncontrolled, "supported (uncontrolled)"},
                                  EnumName{Verdict::kRefuted, "refuted"},
                                  EnumName{Verdict::kUndecided, "undecided"},
                                  EnumName{Verdict::kInterim, "undecided (interim)"},
                                  EnumName{Verdict::kConfounded, "confounded"},
                                  EnumName{Verdict::kNotTestable, "not_testable"}};

}  // namespace

static std::span<const EnumName<Verdict>> names_of(Verdict) {
  return kVerdicts;
}

const char* to_string(Verdict value) {
  return enum_name(value);
}

std::vector<Finding> findings_of(const Variant& variant, const Evidence& evidence) {
  std::vector<Finding> findings;
  for (const std::int64_t look : evidence.hypothesis().planned_looks()) {
    findings.push_back(find(variant, evidence, look));
    if (!findings.back().not_testable.empty()) return {findings.back()};
  }
  return findings;
}

Judged judge(const std::vector<Finding>& looks, double alpha) {
  Judged last;
  for (const Finding& look : looks) {
    const double share = alpha / static_cast<double>(looks.size());
    last = {look, share, smallest(look.parts, share), Verdict::kNotTestable};
    if (!look.not_testable.empty()) return last;
    last.verdict = Verdict::kInterim;
    if (!look.complete()) continue;
    const Side side = side_of(last.interval, look.threshold);
    last.verdict = Verdict::kUndecided;
    if (side == Side::kAcross) continue;
    last.verdict = side == Side::kAbove ? Verdict::kSupported : Verdict::kRefuted;
    return last;
  }
  return last;
}

bool decides(const std::vector<Finding>& looks, double alpha) {
  const Verdict verdict = judge(looks, alpha).verdict;
  return verdict == Verdict::kSupported || verdict == Verdict::kRefuted;
}

double p_value(const std::vector<Finding>& looks) {
  double smallest_p = 1;
  for (const Finding& look : looks)
    if (look.complete())
      smallest_p = std::min(
          smallest_p, static_cast<double>(looks.size()) * p_value(look.parts, look.threshold));
  return smallest_p;
}

}  // namespace dtbench
