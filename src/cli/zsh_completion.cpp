#include "base/text.h"
#include "cli/shell_completion.h"

namespace dtbench {
namespace {

// Inside of single quotes, in a specification of _arguments or _describe.
std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\'') {
      safe += "'\\''";
      continue;
    }
    if (std::string_view("[]:\\").find(c) != std::string_view::npos) safe += '\\';
    safe += c == '\n' ? ' ' : c;
  }
  return safe;
}

std::string function_of(const Command& command) {
  std::string name = "_dtbench";
  for (const std::string& part : command.path)
    name += "_" + part;
  return name;
}

std::string completer_of(const CommandValue& value) {
  switch (value.completes) {
    case Completes::kWords:
      return concat("_alternative \"words\\:word\\:(", join(value.words, " "),
                    ")\" \"files\\:file\\:_files\"");
    case Completes::kRecords:
      return "_files -W runs -/";
    case Completes::kFiles:
      break;
  }
  return "_files";
}

// One specification a name, since each excludes nothing but itself: '*--set[help]:TEXT:_files'.
std::string flag_lines(const Flag& flag) {
  std::string lines;
  for (const std::string& name : flag.names) {
    lines +=
        concat(" \\\n    '", flag.value.repeatable ? "*" : "", name, "[", escaped(flag.help), "]");
    if (flag.takes_value)
      lines += concat(":", escaped(flag.value.shown), ":{", completer_of(flag.value), "}");
    lines += '\'';
  }
  return lines;
}

std::string argument_line(const Argument& argument) {
  return concat(" \\\n    '",
                argument.value.repeatable ? "*"
                : argument.required       ? ""
                                          : ":",
                ":", escaped(argument.name), ":{", completer_of(argument.value), "}'");
}

std::string commands_below(const Command& command, const Command& program) {
  const std::vector<const Command*> below = commands_after(command, program);
  if (below.empty()) return "";
  std::string text = "  case $state in\n    command)\n      local -a commands=(";
  for (const Command* next : below)
    text += concat("\n        '", next->path.back(), ":", escaped(next->help), "'");
  text +=
      "\n      )\n      _describe command commands\n      ;;\n    rest)\n      case $words[1] in\n";
  for (const Command* next : below)
    text += concat("        ", next->path.back(), ") ", function_of(*next), " ;;\n");
  return text + "      esac\n      ;;\n  esac\n";
}

std::string function(const Command& command, const Command& program) {
  std::string text =
      concat(function_of(command), "() {\n  local curcontext=$curcontext state line\n",
             "  _arguments -s -C");
  for (const Flag& flag : command.flags)
    text += flag_lines(flag);
  for (const Argument& argument : command.arguments)
    text += argument_line(argument);
  if (!commands_after(command, program).empty())
    text += " \\\n    '1:command:->command' '*::argument:->rest'";
  return concat(text, "\n", commands_below(command, program), "}\n\n");
}

}  // namespace

std::string zsh_completion(const Command& program) {
  std::string script =
      "#compdef dtbench\n# zsh completion of dtbench, by 'dtbench completion zsh'.\n\n";
  for (const Command* command : all_commands(program))
    script += function(*command, program);
  // As a file of fpath, it is the body of the function that it defines.
  return script + "_dtbench \"$@\"\n";
}

}  // namespace dtbench
