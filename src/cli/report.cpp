#include "report/write_report.h"

#include <iostream>
#include <memory>
#include <set>

#include "analysis/hypothesis_file.h"
#include "base/error.h"
#include "base/places.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/commands.h"
#include "record/run_summary.h"
#include "report/report_data.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

struct ReportOptions {
  std::vector<std::string> folders;
  std::string format = "html", output;
  bool steps = false, json = false;
};

std::vector<RunRecord> records_in(const std::vector<std::string>& folders) {
  std::vector<RunRecord> records;
  std::set<fs::path> read;
  for (const std::string& folder : folders) {
    if (fs::exists(folder) && !read.insert(fs::canonical(folder)).second) continue;
    for (RunRecord& record :
         runs_in(folder, "Name the root folders of records: dtbench report DIR..."))
      records.push_back(std::move(record));
  }
  return records;
}

std::string summary(const Json& data) {
  const Json& records = data.at("records");
  return concat(records.at("read").dump(), " records: ", records.at("used").dump(), " compared, ",
                records.at("unpaired").dump(),
                " unpaired, left out: ", counts_text(records.at("excluded")), "\n",
                data.at("answer").get<std::string>(), "\n");
}

fs::path output_path(const ReportOptions& options, const ReportFormat& format) {
  if (options.output.empty())
    return fs::path(options.folders.front()) /
           concat(options.steps ? "steps" : "report", format.extension);
  const fs::path path(options.output);
  if (const fs::path folder = path.parent_path(); !folder.empty() && !fs::is_directory(folder))
    throw usage_error(concat("There is no folder '", folder.string(), "' for the report."),
                      "Create it, or name another file: --output FILE.");
  if (fs::is_directory(path))
    throw usage_error(
        concat("'", path.string(), "' is a folder; the report needs the name of a file."),
        concat("--output ", (path / "report").string(), format.extension));
  return path;
}

void require_table(const ReportOptions& options, const ReportFormat& format) {
  if (format.table != nullptr && !options.json) return;
  throw usage_error(concat("--steps writes a table, which ", options.json ? "--json" : format.name,
                           " does not hold."),
                    "--steps --format csv, or --format parquet");
}

void report(ReportOptions options) {
  if (options.folders.empty()) options.folders = {"runs"};
  const ReportFormat& format = report_format(options.format);
  if (options.steps) require_table(options, format);
  const fs::path path = output_path(options, format);
  if (options.steps) {
    write_steps(records_in(options.folders), format, path);
    std::cout << "Steps: " << path.string() << '\n';
    return;
  }
  const Json data = report_data(records_in(options.folders), load_hypotheses(configs_folder()));
  if (options.json) {
    std::cout << json_text(data, 1) << '\n';
    return;
  }
  write_report(data, format, path);
  std::cout << summary(data) << "Report: " << path.string() << '\n';
}

}  // namespace

void add_report_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "report",
      "write a single-file report: which policy to use for each scenario, and how certain that is");
  const auto options = std::make_shared<ReportOptions>();
  command->add_option("folders", options->folders, "root folders of records (default: runs)");
  command->add_option("--format", options->format,
                      "html (default), markdown, csv, parquet or json");
  command->add_option(
      "--output", options->output,
      "file to write (default: report.<format> in the first folder; with --steps, steps.<format>)");
  command->add_flag(
      "--steps", options->steps,
      "csv and parquet only: write one row per training step instead of one per record");
  command->add_flag("--json", options->json, "print what --format json would write to a file");
  command->callback([options] { report(*options); });
}

}  // namespace dtbench
