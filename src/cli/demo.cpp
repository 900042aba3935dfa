#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/demo_report.h"
#include "cli/demo_run.h"
#include "cli/spec_options.h"
#include "cli/table.h"
#include "report/report_data.h"
#include "report/write_report.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

struct DemoOptions {
  SpecOptions spec;
  std::vector<std::string> scenarios, policies;
  std::string out = "runs";
  bool json = false;
};

constexpr const char* kLegend =
    "F1, AP: micro F1 and micro average precision (classification). MFU: needed FLOPs as a share "
    "of the measured peak. peak: most memory the allocator held. '-': not measured.";

// Columns of the terminal that the table goes to; a file has room.
std::size_t output_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::string::npos;
  return size.ws_col;
}

// The report of the demonstration's own cells, whatever else lies in the folder; none while no cell
// has a record.
std::optional<fs::path> write_demo_report(const std::vector<DemoCell>& cells, const fs::path& out,
                                          const fs::path& configs) {
  std::vector<RunRecord> records;
  for (const DemoCell& cell : cells)
    if (fs::is_directory(cell.run)) records.push_back(read_run(cell.run));
  if (records.empty()) return std::nullopt;
  fs::path path = out / "demo-report.html";
  write_report(report_data(records, load_hypotheses(configs)), report_format("html"), path);
  return path;
}

void print(const std::vector<Json>& rows, const std::optional<fs::path>& report, bool json) {
  const Json findings = demo_findings(rows);
  if (json) {
    const Json answer = {{"cells", rows},
                         {"findings", findings},
                         {"report", report ? Json(report->string()) : Json()}};
    std::cout << json_text(answer, 1) << '\n';
    return;
  }
  const std::size_t width = output_width();
  std::cout << demo_table(rows, width);
  const Json paragraphs = {kLegend, findings.at("outcome"), findings.at("timings"),
                           findings.at("data"), findings.at("next")};
  for (const Json& paragraph : paragraphs)
    if (paragraph != "")
      std::cout << '\n' << wrapped(paragraph.get<std::string>(), std::min(width, kProse));
  if (report) std::cout << "\nReport for the browser: " << report->string() << '\n';
}

void demonstrate(const DemoOptions& options) {
  ResolveRequest request = options.spec.request();
  request.preset = "tiny";
  std::vector<DemoCell> cells =
      demo_cells(request, options.scenarios, options.policies, options.out);
  const ExitCode end = run_demo(cells, options.out, request.configs);
  std::vector<Json> rows;
  for (const DemoCell& cell : cells)
    rows.push_back(demo_row(cell));
  print(rows, write_demo_report(cells, options.out, request.configs), options.json);
  if (end != ExitCode::kDone) throw Ended{end};
}

}  // namespace

void add_demo_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "demo",
      "train all scenarios under the six policies at preset tiny, and summarise the results");
  const auto options = std::make_shared<DemoOptions>();
  command->add_option("--scenario", options->scenarios, "A to F; repeatable (default: all)")
      ->allow_extra_args(false);
  command
      ->add_option("--policy", options->policies,
                   "name or .toml file; repeatable (default: the six)")
      ->allow_extra_args(false);
  options->spec.add_to(*command, {{"--device", "device", "cpu, cuda or cuda:N"}});
  command->add_option("--out", options->out, "root folder of records (default: runs)");
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options] { demonstrate(*options); });
}

}  // namespace dtbench
