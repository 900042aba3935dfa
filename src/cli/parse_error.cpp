#include "cli/parse_error.h"

#include <string>
#include <vector>

#include "base/text.h"

namespace dtbench {
namespace {

// The innermost command that the command line names.
const CLI::App* parsed_command(const CLI::App& program) {
  const CLI::App* command = &program;
  while (!command->get_subcommands().empty())
    command = command->get_subcommands().front();
  return command;
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames())
      flags.push_back("--" + name);
  return flags;
}

std::vector<std::string> commands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : command.get_subcommands({}))
    names.push_back(subcommand->get_name());
  return names;
}

// "dtbench data prepare"
std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? "dtbench" : concat(full_name(*parent), " ", command.get_name());
}

}  // namespace

Error explain(const CLI::App& program, const CLI::ParseError& error) {
  const CLI::App* command = parsed_command(program);
  const std::string name = full_name(*command);
  for (const std::string& argument : program.remaining(true)) {
    if (argument.starts_with('-'))
      return usage_error(concat("Unknown flag '", argument, "' for '", name, "'."),
                         suggestion(argument.substr(0, argument.find('=')), flags_of(*command)));
    if (command->get_prefix_command()) break;  // what follows belongs to another command line
    const std::vector<std::string> commands = commands_of(*command);
    if (!commands.empty())
      return usage_error(concat("Unknown command '", argument, "' for '", name, "'."),
                         suggestion(argument, commands));
  }
  return usage_error(concat(name, ": ", error.what(), "."), concat(name, " --help"));
}

}  // namespace dtbench
