#include <algorithm>
#include <memory>
#include <thread>

#include "cli/commands.h"
#include "cli/matrix_command.h"

namespace dtbench {
namespace {

// Models of this size gain little from a second thread: on a CPU several cells run at a time.
int jobs_on_a_cpu() {
  constexpr unsigned kMost = 4;
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, kMost));
}

}  // namespace

// The matrix of configs/matrices/demo.toml with the flags that a first run needs.
void add_demo_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("demo",
                             "train all scenarios under the six policies and fp32_perturbed at "
                             "preset tiny, and summarise the results");
  const auto options = std::make_shared<MatrixCommand>();
  options->matrix.file = "demo";
  options->report = "demo-report.html";
  options->matrix.jobs_on_cpu = jobs_on_a_cpu();
  options->rerun = true;  // what another program or other data made answers nothing here
  command->add_option("--scenario", options->matrix.scenarios, "A to F; repeatable (default: all)")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--policy", options->matrix.policies,
          "policy name or .toml file; repeatable (default: the six policies and fp32_perturbed)")
      ->allow_extra_args(false);
  options->matrix.spec.add_to(*command, {{"--device", "device", "cpu, cuda or cuda:N"}});
  command->add_option("--out", options->matrix.out, "root folder of records (default: runs)");
  command->add_flag("--json", options->matrix.json, "print JSON");
  command->callback([options] { run_matrix(*options); });
}

}  // namespace dtbench
