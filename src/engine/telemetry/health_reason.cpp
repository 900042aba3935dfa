#include "engine/telemetry/health_reason.h"

#include <algorithm>

#include "base/text.h"
#include "engine/optim/adamw_bound.h"

namespace dtbench {
namespace {

constexpr std::size_t kRemembered = 64;
constexpr double kUnusual = 2;  // times the usual size

std::optional<double> median(const std::deque<double>& values) {
  if (values.size() < 3) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

std::string percent(std::int64_t part, std::int64_t whole) {
  return formatted("%.3g %%", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

HealthReason::HealthReason(const TrainSpec& train)
    : longest_exact_(longest_exact_step(train.beta1, train.beta2)) {}

void HealthReason::remember(const Json& line) {
  const Json updates = member_or_null(line, "/updates");
  if (!updates.is_array()) return;
  for (const Json& update : updates) {
    const Json size = member_or_null(update, "/rms_rates"),
               zeros = member_or_null(update, "/underflowed"), step = member_or_null(line, "/step");
    if (!size.is_number() || !zeros.is_number() || !step.is_number_integer()) continue;
    Past& past = past_[text_or(member_or_null(update, "/parameter"), "")];
    past.sizes.push_back(size.get<double>());
    if (past.sizes.size() > kRemembered) past.sizes.pop_front();
    if (zeros.get<double>() == 0)
      past.underflowed_since.reset();
    else if (!past.underflowed_since)
      past.underflowed_since = step.get<std::int64_t>();
  }
}

std::string HealthReason::words(std::int64_t step, const std::vector<UpdateHealth>& updates) const {
  const auto worst = std::max_element(
      updates.begin(), updates.end(),
      [](const UpdateHealth& a, const UpdateHealth& b) { return a.longest < b.longest; });
  if (worst == updates.end()) return "";
  const auto found = past_.find(worst->parameter);
  const Past past = found == past_.end() ? Past{} : found->second;
  std::vector<std::string> parts;
  if (worst->underflowed > 0)
    parts.push_back(concat("second moment of ", worst->parameter, " underflowed in ",
                           percent(worst->underflowed, worst->elements), " of elements since step ",
                           past.underflowed_since.value_or(step)));
  if (worst->longest > longest_exact_)
    parts.push_back(concat(parts.empty() ? concat("the moments of ", worst->parameter) : "they",
                           " make a step of ", formatted("%.3g", worst->longest),
                           " learning rates (exact AdamW: at most ",
                           formatted("%.3g)", longest_exact_)));
  const std::optional<double> usual = median(past.sizes);
  if (usual && *usual > 0 && worst->size > kUnusual * *usual)
    parts.push_back(concat(parts.empty() ? concat("update of ", worst->parameter) : "update",
                           formatted(" %.3g x its usual size", worst->size / *usual)));
  return join(parts, "; ");
}

}  // namespace dtbench
