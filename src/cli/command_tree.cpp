#include "cli/command_tree.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/places.h"
#include "base/text.h"
#include "cli/submitted_job.h"
#include "config/config_files.h"
#include "report/write_report.h"

namespace dtbench {
namespace {

using Words = std::map<std::string, std::vector<std::string>>;

std::vector<std::string> names_of(ConfigKind kind) {
  try {
    return config_names(configs_folder(), kind);
  } catch (const Error&) {
    return {};  // like help, completions must be had without them
  }
}

// By flag, or by command and argument.
const Words& known_words() {
  static const Words words = [] {
    Words known = {{"--scenario", names_of(ConfigKind::kScenario)},
                   {"--policy", names_of(ConfigKind::kPolicy)},
                   {"policies name", names_of(ConfigKind::kPolicy)},
                   {"--preset", names_of(ConfigKind::kPreset)},
                   {"--file", names_of(ConfigKind::kMatrix)},
                   {"study study", names_of(ConfigKind::kStudy)},
                   {"--device", {"cpu", "cuda"}},
                   {"--init", {"scratch", "pretrained"}},
                   {"--data", {"synthetic"}},
                   {"--tokenizer", {"pretrained"}},
                   {"completion shell", {"bash", "zsh", "fish"}},
                   {"--format", {}}};
    for (const ReportFormat& format : report_formats())
      known["--format"].emplace_back(format.name);
    return known;
  }();
  return words;
}

CommandValue value_of(const CLI::Option& option, const std::string& key) {
  CommandValue value;
  value.shown = option.get_type_name();
  value.repeatable = option.get_expected_max() >= CLI::detail::expected_max_vector_size;
  if (const auto known = known_words().find(key); known != known_words().end()) {
    value.completes = Completes::kWords;
    value.words = known->second;
  } else if (option.get_positional() && option.get_name() == "run") {
    value.completes = Completes::kRecords;
  }
  return value;
}

Flag flag_of(const CLI::Option& option) {
  Flag flag;
  for (const std::string& name : option.get_snames())
    flag.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames())
    flag.names.push_back("--" + name);
  flag.help = option.get_description();
  flag.takes_value = option.get_items_expected_max() != 0;
  flag.value = value_of(option, flag.names.back());
  return flag;
}

Command command_of(const CLI::App& app, const std::vector<std::string>& path) {
  Command command;
  command.path = path;
  command.help = app.get_description();
  command.footer = app.get_footer();
  if (app.get_prefix_command()) command.passes_to = submitted_commands();
  for (const CLI::Option* option : app.get_options()) {
    if (option->nonpositional()) {
      command.flags.push_back(flag_of(*option));
      continue;
    }
    const std::string key = concat(join(path, " "), " ", option->get_name());
    command.arguments.push_back({option->get_name(), option->get_description(),
                                 option->get_required(), value_of(*option, key)});
  }
  for (const CLI::App* inner : app.get_subcommands({})) {
    std::vector<std::string> deeper = path;
    deeper.push_back(inner->get_name());
    command.commands.push_back(command_of(*inner, deeper));
  }
  return command;
}

}  // namespace

Command command_tree(const CLI::App& program) {
  return command_of(program, {});
}

std::string full_name(const Command& command) {
  return command.path.empty() ? "dtbench" : concat("dtbench ", join(command.path, " "));
}

std::vector<const Command*> all_commands(const Command& command) {
  std::vector<const Command*> all = {&command};
  for (const Command& inner : command.commands)
    for (const Command* each : all_commands(inner))
      all.push_back(each);
  return all;
}

std::vector<const Command*> commands_after(const Command& command, const Command& program) {
  std::vector<const Command*> after;
  for (const Command& inner : command.commands)
    after.push_back(&inner);
  for (const Command& other : program.commands)
    if (std::find(command.passes_to.begin(), command.passes_to.end(), other.path.back()) !=
        command.passes_to.end())
      after.push_back(&other);
  return after;
}

}  // namespace dtbench
