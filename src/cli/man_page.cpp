#include "cli/man_page.h"

#include "base/program.h"
#include "base/text.h"

namespace dtbench {
namespace {

// Text that no macro or escape sequence is read from; its hyphens can be copied from the page.
std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    const bool begins_line = safe.empty() || safe.back() == '\n';
    if (begins_line && (c == '.' || c == '\'')) safe += "\\&";
    if (c == '\\')
      safe += "\\e";
    else if (c == '-')
      safe += "\\-";
    else
      safe += c;
  }
  return safe;
}

std::string bold(const std::string& text) {
  return concat("\\fB", escaped(text), "\\fR");
}

std::string italic(const std::string& text) {
  return concat("\\fI", escaped(text), "\\fR");
}

std::string item(const std::string& title, const std::string& text) {
  return concat(".TP\n", title, "\n", escaped(text), "\n");
}

std::string flag_item(const Flag& flag) {
  std::vector<std::string> names;
  for (const std::string& name : flag.names)
    names.push_back(bold(name));
  std::string title = join(names, ", ");
  if (flag.takes_value) title += " " + italic(flag.value.shown);
  if (flag.value.repeatable) title += " ...";
  return item(title, flag.help);
}

std::string argument_usage(const Argument& argument) {
  const std::string name = italic(argument.name) + (argument.value.repeatable ? " ..." : "");
  return argument.required ? name : concat("[", name, "]");
}

std::string usage(const Command& command) {
  std::string line = concat(bold(full_name(command)), " [", italic("options"), "]");
  for (const Argument& argument : command.arguments)
    line += " " + argument_usage(argument);
  if (!command.commands.empty() || !command.passes_to.empty()) line += " " + italic("command");
  return line;
}

// The lines of a footer are set as they are.
std::string footer(const Command& command) {
  if (command.footer.empty()) return "";
  return concat(".PP\n.nf\n", escaped(command.footer), command.footer.ends_with('\n') ? "" : "\n",
                ".fi\n");
}

std::string section(const Command& command) {
  std::string text = concat(".SS \"", full_name(command), "\"\n", usage(command), "\n.PP\n",
                            escaped(command.help), "\n");
  for (const Argument& argument : command.arguments)
    text += item(italic(argument.name), argument.help);
  for (const Flag& flag : command.flags)
    text += flag_item(flag);
  return text + footer(command);
}

std::string exit_codes() {
  return item("0", "done; a run that diverged or was skipped also counts as done") +
         item("2", "wrong command line, configuration or input file") +
         item("3", "another try may succeed: disk full, lock held, server busy") +
         item("4", "will not succeed as asked: out of memory, unsupported device") +
         item("130", "interrupted; the same command resumes");
}

std::string environment() {
  return item(bold("DTBENCH_CACHE"),
              "folder for tokenized stores and measured rates (default: ~/.cache/dtbench)") +
         item(
             bold("DTBENCH_CONFIGS"),
             "folder with policies, scenarios, presets, hypotheses, matrices and studies (default: "
             "the one shipped with the program)") +
         item(bold("DTBENCH_EXTENSIONS"), "like --extension; several are separated by colons") +
         item(bold("DTBENCH_") + italic("SETTING"),
              "any setting of a cell: DTBENCH_TRAIN_STEPS=5 means --set train.steps=5");
}

}  // namespace

std::string man_page(const Command& program) {
  std::string page = concat(
      ".\\\" by 'dtbench man'\n.TH DTBENCH 1 \"\" \"dtbench ", program_version(),
      "\" \"User Commands\"\n.SH NAME\ndtbench \\- which floating\\-point configuration survives ",
      "training, and how fast it is\n.SH SYNOPSIS\n", usage(program), "\n.SH DESCRIPTION\n",
      escaped(program.help), "\n.SH OPTIONS\n");
  for (const Flag& flag : program.flags)
    page += flag_item(flag);
  page += ".SH COMMANDS\n";
  for (const Command* command : all_commands(program))
    if (command != &program) page += section(*command);
  return concat(page, ".SH EXIT STATUS\n", exit_codes(), ".SH ENVIRONMENT\n", environment());
}

}  // namespace dtbench
