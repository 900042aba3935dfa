#include "cli/self_description.h"

#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "cli/command_tree.h"
#include "cli/man_page.h"
#include "cli/shell_completion.h"

namespace dtbench {
namespace {

std::string completion(const Command& program, const std::string& shell) {
  if (shell == "bash") return bash_completion(program);
  if (shell == "zsh") return zsh_completion(program);
  if (shell == "fish") return fish_completion(program);
  throw usage_error(concat("Unknown shell '", shell, "'."),
                    suggestion(shell, {"bash", "zsh", "fish"}));
}

}  // namespace

void add_completion_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("completion", "print the completion script for a shell");
  const auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")->required();
  command->footer(
      "For the current session only:\n"
      "  source <(dtbench completion bash)     in bash\n"
      "  source <(dtbench completion zsh)      in zsh\n"
      "  dtbench completion fish | source      in fish\n"
      "'pip install' puts the scripts into the environment's share/ (docs/install.md).");
  command->callback([shell, &program] { std::cout << completion(command_tree(program), *shell); });
}

void add_man_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("man", "print the manual page; to read it: dtbench man | man -l -");
  command->callback([&program] { std::cout << man_page(command_tree(program)); });
}

}  // namespace dtbench
