#include <filesystem>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/find_run.h"
#include "record/health_text.h"
#include "record/profile_text.h"
#include "record/run_summary.h"
#include "report/run_text.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

struct ShowOptions {
  std::string run;
  std::string out = "runs";
  bool all = false, json = false;
};

void print_section(const char* title, const Json& object) {
  if (object.is_null()) return;
  std::cout << '\n' << title << '\n' << readable_members(object, 2);
}

void print_events(const std::vector<Json>& events) {
  if (events.empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (Json event : events) {
    if (!event.is_object()) continue;
    const std::string at = readable(member_or_null(event, "/at"));
    const std::string what = readable(member_or_null(event, "/event"));
    event.erase("at");
    event.erase("event");
    std::vector<std::string> rest;
    for (const auto& [name, value] : event.items())
      rest.push_back(name + " " + readable(value));
    rows.push_back({"  " + at, what, join(rest, ", ")});
  }
  std::cout << "\nEvents (events.jsonl)\n" << aligned(rows);
}

void print_for_people(const RunRecord& run, const Json& summary, bool all) {
  std::cout << run_text(run, summary, read_lines(run.path / "steps.jsonl"));
  if (const Json profile = read_profile(run.path); !profile.is_null())
    std::cout << '\n' << profile_text(profile);
  if (!all) {
    std::cout << "\n--all adds the whole result, events, spec and audit, with the TF32 canary.\n";
    return;
  }
  print_section("Result (result.json)", run.result);
  print_events(read_lines(run.path / "events.jsonl"));
  print_section("Spec (spec.json)", run.spec);
  print_section("Audit (audit.json)", run.audit);
}

void show_run(const ShowOptions& options) {
  const RunRecord run = read_run(find_run(options.run, options.out));
  if (run.spec.is_null() && !fs::exists(run.path / "result.json") &&
      !fs::exists(run.path / "steps.jsonl"))
    throw usage_error(
        concat("'", run.path.string(), "' is not a run: it holds no spec.json, result.json ",
               "or steps.jsonl."),
        "'dtbench list' lists the runs.");
  const Json summary = summary_of(run);
  if (!options.json) return print_for_people(run, summary, options.all);
  const Json everything = {{"summary", summary},
                           {"spec", run.spec},
                           {"audit", run.audit},
                           {"result", run.result},
                           {"steps", read_lines(run.path / "steps.jsonl")},
                           {"events", read_lines(run.path / "events.jsonl")},
                           {"health", read_health(run.path)},
                           {"profile", read_profile(run.path)}};
  std::cout << json_text(everything, 1) << '\n';
}

}  // namespace

void add_show_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("show", "show a run's record, even while it is training");
  const auto options = std::make_shared<ShowOptions>();
  command->add_option("run", options->run, "cell id (or a prefix of it), or a run's folder")
      ->required();
  command->add_option("--out", options->out, "root folder of records (default: runs)");
  command->add_flag("--all", options->all, "show everything: result, events, spec and audit");
  command->add_flag("--json", options->json, "print everything as JSON");
  command->callback([options] { show_run(*options); });
}

}  // namespace dtbench
