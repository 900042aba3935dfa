#include "base/text.h"
#include "cli/shell_completion.h"

namespace dtbench {
namespace {

std::string quoted(const std::string& text) {
  std::string safe = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') safe += '\\';
    safe += c == '\n' ? ' ' : c;
  }
  return safe + "'";
}

std::string at(const Command& command) {
  return concat("complete -c dtbench -n ",
                quoted(concat("__dtbench_at ", join(command.path, " "))));
}

std::string completer_of(const CommandValue& value) {
  if (value.completes == Completes::kRecords) return " -f -a '(path basename runs/*/)'";
  if (value.words.empty()) return "";
  return concat(" -a ", quoted(join(value.words, " ")));
}

std::string flag_line(const Command& command, const Flag& flag) {
  std::string line = at(command);
  for (const std::string& name : flag.names)
    line +=
        name.starts_with("--") ? concat(" -l ", name.substr(2)) : concat(" -s ", name.substr(1));
  if (flag.takes_value) line += concat(" -r", completer_of(flag.value));
  return concat(line, " -d ", quoted(flag.help), "\n");
}

std::string lines_of(const Command& command, const Command& program) {
  std::string lines;
  for (const Flag& flag : command.flags)
    lines += flag_line(command, flag);
  for (const Argument& argument : command.arguments)
    if (const std::string completer = completer_of(argument.value); !completer.empty())
      lines += concat(at(command), completer, " -d ", quoted(argument.name), "\n");
  for (const Command* next : commands_after(command, program))
    lines += concat(at(command), " -f -a ", next->path.back(), " -d ", quoted(next->help), "\n");
  return lines;
}

// Cases of "$command $word": which command a word leads to.
std::string steps_to(const Command& program) {
  std::string steps;
  for (const Command* command : all_commands(program))
    for (const Command* next : commands_after(*command, program))
      steps += concat("            case ",
                      quoted(concat(join(command->path, " "), " ", next->path.back())),
                      "\n                set command ", quoted(join(next->path, " ")), "\n");
  return steps;
}

// "COMMAND FLAG" of all flags whose value is the next word.
std::string valued_flags(const Command& program) {
  std::string valued;
  for (const Command* command : all_commands(program))
    for (const Flag& flag : command->flags)
      for (const std::string& name : flag.names)
        if (flag.takes_value)
          valued += concat(" \\\n        ", quoted(concat(join(command->path, " "), " ", name)));
  return valued;
}

}  // namespace

std::string fish_completion(const Command& program) {
  std::string script = concat(
      "# fish completion of dtbench, by 'dtbench completion fish'.\n\n",
      "# Whether the words before the cursor lead to the command of the arguments.\n",
      "function __dtbench_at\n    set -l valued", valued_flags(program),
      "\n    set -l command ''\n    set -l skip no\n",
      "    for word in (commandline -opc)[2..]\n        if test $skip = yes\n            set skip "
      "no\n",
      "            continue\n        end\n        if contains -- \"$command $word\" $valued\n",
      "            set skip yes\n        end\n        switch \"$command $word\"\n",
      steps_to(program), "        end\n    end\n    test \"$command\" = \"$argv\"\nend\n\n");
  for (const Command* command : all_commands(program))
    script += lines_of(*command, program);
  return script;
}

}  // namespace dtbench
