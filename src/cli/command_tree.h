// The program's commands, flags and arguments as plain data: what --help prints, for completions
// and the manual page.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace dtbench {

// What a shell offers for a value. kWords: fixed words, and files, since a name often stands for a
// file of one's own. kRecords: the folders in runs/.
enum class Completes { kFiles, kWords, kRecords };

struct CommandValue {
  std::string shown;  // "TEXT", "INT:INT in [1 - 8]"
  bool repeatable = false;
  Completes completes = Completes::kFiles;
  std::vector<std::string> words;
};

struct Flag {
  std::vector<std::string> names;  // "-h", "--help"
  std::string help;
  bool takes_value = false;
  CommandValue value;
};

struct Argument {
  std::string name, help;
  bool required = false;
  CommandValue value;
};

struct Command {
  std::vector<std::string> path;  // {"data", "list"}; empty for the program itself
  std::string help, footer;
  std::vector<Flag> flags;
  std::vector<Argument> arguments;
  std::vector<Command> commands;
  std::vector<std::string> passes_to;  // commands of the program whose line may follow
};

Command command_tree(const CLI::App& program);

// "dtbench data list"
std::string full_name(const Command& command);

// The command and all below it, itself first.
std::vector<const Command*> all_commands(const Command& command);

// Those that may follow the command's name and flags.
std::vector<const Command*> commands_after(const Command& command, const Command& program);

}  // namespace dtbench
