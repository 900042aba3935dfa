// Amounts of money and time on a command line.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace dtbench {

// A number above 0. Throws Error (usage) naming the flag and what it wants.
double positive_number(const std::string& text, const std::string& flag, const std::string& what);

void add_price_option(CLI::App& command, std::string& price);  // --price-per-hour
// The price that was given, else the one that the platform tells for this pod (sweep/pod_price.h),
// if it does. Throws Error (usage) unless it is a number above 0.
std::optional<double> price_per_hour(const std::string& price, const std::string& device);

}  // namespace dtbench
