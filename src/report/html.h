// The report as one HTML file that needs nothing else: no network, no other file.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

// `data`: report_data. Text from records enters as JSON alone, and is never markup.
std::string html_report(const Json& data);

}  // namespace dtbench
