#include "base/text.h"
#include "cli/shell_completion.h"

namespace dtbench {
namespace {

std::vector<std::string> flag_names(const Command& command, bool valued_only) {
  std::vector<std::string> names;
  for (const Flag& flag : command.flags)
    if (flag.takes_value || !valued_only)
      names.insert(names.end(), flag.names.begin(), flag.names.end());
  return names;
}

std::vector<std::string> names_of(const std::vector<const Command*>& commands) {
  std::vector<std::string> names;
  for (const Command* command : commands)
    names.push_back(command->path.back());
  return names;
}

// A case of $command: which words can follow.
std::string words_after(const Command& command, const Command& program) {
  std::string words = concat("    '", join(command.path, " "), "')\n");
  const auto set = [&](const char* name, const std::vector<std::string>& values) {
    if (!values.empty()) words += concat("      ", name, "='", join(values, " "), "'\n");
  };
  set("flags", flag_names(command, false));
  set("valued", flag_names(command, true));
  set("commands", names_of(commands_after(command, program)));
  for (const Argument& argument : command.arguments) {
    set("words", argument.value.words);
    if (argument.value.completes == Completes::kRecords) words += "      words=$records\n";
  }
  return words + "      ;;\n";
}

// Cases of "$command $word": which command a word leads to.
std::string steps_to(const Command& program) {
  std::string steps;
  for (const Command* command : all_commands(program))
    for (const Command* next : commands_after(*command, program))
      steps += concat("    '", join(command->path, " "), " ", next->path.back(), "') command='",
                      join(next->path, " "), "' ;;\n");
  return steps;
}

// Cases of a flag that have known words.
std::string words_of_flags(const Command& program) {
  std::string cases;
  std::vector<std::string> done;
  for (const Command* command : all_commands(program))
    for (const Flag& flag : command->flags) {
      const std::string& name = flag.names.back();
      if (flag.value.words.empty() || std::find(done.begin(), done.end(), name) != done.end())
        continue;
      done.push_back(name);
      cases += concat("      ", name, ") words='", join(flag.value.words, " "), "' ;;\n");
    }
  return cases;
}

constexpr const char* kHead = R"(# bash completion of dtbench, by 'dtbench completion bash'.

# Sets flags, valued (those that take a value), commands and words of the command $command.
_dtbench_words() {
  flags='' valued='' commands='' words=''
  local records
  records=$(cd runs 2>/dev/null && compgen -d)
  case $command in
)";

constexpr const char* kSteps = R"(  esac
}

# Sets command to what follows $command at the word $1.
_dtbench_step() {
  case "$command $1" in
)";

constexpr const char* kFlags = R"(  esac
}

_dtbench() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command='' flags valued commands words i
  _dtbench_words
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      -*) [[ " $valued " != *" ${COMP_WORDS[i]} "* ]] || ((++i)) ;;
      *) _dtbench_step "${COMP_WORDS[i]}" && _dtbench_words ;;
    esac
  done
  # The '=' of --flag=value is a word of its own.
  if [[ $current == = ]]; then
    current=''
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if [[ " $valued " == *" $previous "* ]]; then
    words='' flags='' commands=''
    case $previous in
)";

constexpr const char* kTail = R"(    esac
  fi
  [[ $current == -* ]] && words=$flags || words="$commands $words"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _dtbench dtbench
)";

}  // namespace

std::string bash_completion(const Command& program) {
  std::string script = kHead;
  for (const Command* command : all_commands(program))
    script += words_after(*command, program);
  return concat(script, kSteps, steps_to(program), kFlags, words_of_flags(program), kTail);
}

}  // namespace dtbench
