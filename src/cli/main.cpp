// dtbench: everything that does not train. It holds no torch, so it starts in milliseconds.
#include <cerrno>
#include <iostream>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/printable_output.h"
#include "base/program.h"
#include "base/stop_signals.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/parse_error.h"
#include "cli/self_description.h"
#include "config/extension.h"

namespace dtbench {
namespace {

void load_extensions(const std::vector<std::string>& files) {
  for (const std::string& file : files)
    load_extension(file, ExtensionHalf::kConfiguration);
}

int parse_and_run(int argc, char** argv) {
  load_extensions_of_environment(ExtensionHalf::kConfiguration);
  CLI::App program(
      "Datatype Dynamics Bench: which floating-point configuration survives training, how fast it "
      "is, what it costs, and, if it dies, why.",
      "dtbench");
  program.set_version_flag("--version", program_version());
  program.require_subcommand(1);
  program.get_formatter()->column_width(34);
  program.fallthrough();  // --extension may stand behind the command, too
  program
      .add_option_function<std::vector<std::string>>("--extension", load_extensions,
                                                     "shared object that registers a model family, "
                                                     "task or optimizer; repeatable")
      ->type_name("FILE.so")
      ->allow_extra_args(false)
      ->trigger_on_parse();  // before any command runs
  add_demo_command(program);
  add_run_command(program);
  add_benchmark_command(program);
  add_matrix_command(program);
  add_study_command(program);
  add_plan_command(program);
  add_submit_command(program);
  add_watch_command(program);
  add_archive_command(program);
  add_list_command(program);
  add_show_command(program);
  add_explain_command(program);
  add_rescue_command(program);
  add_analyse_command(program);
  add_report_command(program);
  add_compare_command(program);
  add_policies_command(program);
  add_data_command(program);
  add_doctor_command(program);
  add_completion_command(program);
  add_man_command(program);
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return program.exit(help_or_version);
  } catch (const Ended& ended) {
    return static_cast<int>(ended.code);
  } catch (const CLI::ParseError& error) {
    throw explain(program, error);
  }
  return static_cast<int>(ExitCode::kDone);
}

// Results that nobody got are no success: a full disk, a closed descriptor.
void require_written_output() {
  errno = 0;
  if (std::cout.flush()) return;
  throw Error(ExitCode::kRetryable,
              concat("Cannot write to standard output",
                     errno != 0 ? concat(": ", std::system_category().message(errno)) : "", "."),
              "Free some space, or send the output elsewhere.");
}

}  // namespace
}  // namespace dtbench

int main(int argc, char** argv) {
  dtbench::end_on_stop_signals();
  return dtbench::run_program([&] {
    const dtbench::PrintableOutput guarded(std::cout);
    const int code = dtbench::parse_and_run(argc, argv);
    dtbench::require_written_output();
    return code;
  });
}
