// The files of a report's page, which the program carries in itself: src/report/page/ and the plot
// library.
#pragma once

#include <string_view>
#include <vector>

namespace dtbench {

std::string_view page_template();  // page/report.html
std::string_view page_style();
std::vector<std::string_view> page_scripts();  // in the order in which they use each other
std::string_view plot_library();               // Plotly.js; empty in a build without it

}  // namespace dtbench
