#include "cli/amounts.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "sweep/pod_price.h"

namespace dtbench {

double positive_number(const std::string& text, const std::string& flag, const std::string& what) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size() || !std::isfinite(number) ||
      number <= 0)
    throw usage_error(concat(flag, " must be ", what, " above 0, got '", text, "'."),
                      concat("For example: ", flag, " 0.79"));
  return number;
}

void add_price_option(CLI::App& command, std::string& price) {
  command.add_option("--price-per-hour", price,
                     "price of one device, in USD per hour (default: on a RunPod pod, the price "
                     "that its API reports)");
}

std::optional<double> price_per_hour(const std::string& price, const std::string& device) {
  if (price.empty()) return price_of_this_pod(device);
  return positive_number(price, "--price-per-hour", "a price in USD");
}

}  // namespace dtbench
