#include "sweep/skypilot_task.h"

#include "base/text.h"
#include "sweep/slurm_script.h"
#include "sweep/yaml_text.h"

namespace dtbench {
namespace {

std::string environment_of(const Variables& environment) {
  std::string text;
  for (const auto& [name, value] : environment)
    text += concat("  ", name, ": ", in_yaml(value), "\n");
  return text;
}

constexpr const char* kSkyPilotBeforeCommand = R"(  mkdir -p "$kept" "$out"
  cp -rn "$kept/." "$out/"
  ./dtbench archive "$out" --to "$kept" --follow &
  follower=$!
  for attempt in 1 2 3 4; do
    code=0
    )";

// The follower's lock ends with it.
constexpr const char* kSkyPilotAfterCommand = R"( || code=$?
    # 3: another try may succeed. The rest would be the same.
    [ "$code" -eq 3 ] || break
    echo "attempt $attempt ended with exit code 3" >&2
  done
  kill "$follower"
  wait "$follower" || true
  ./dtbench archive "$out" --to "$kept" || exit 3
  exit "$code"
)";

}  // namespace

std::string skypilot_task(const SkyPilotTask& task) {
  return concat(
      "# Written by 'dtbench submit skypilot'. ", task.cells,
      " cells on one machine. Finished records go to the\n"
      "# bucket as they come; another launch begins with them, so that cells that are done stay "
      "done.\nname: ",
      task.name, "\nworkdir: .  # the source tree\nresources:\n",
      task.gpus.empty() ? "" : concat("  accelerators: ", in_yaml(task.gpus), "\n"),
      "  cpus: ", task.cpus, "+\n  image_id: ", in_yaml("docker:" + task.image), "\nenvs:\n",
      environment_of(task.environment),
      "file_mounts:\n  /archive:\n    source: ", in_yaml(task.bucket),
      "\n    mode: MOUNT_CACHED\nsetup: |\n  ./dtbench --version\nrun: |\n  out=",
      shell_word(task.out), "\n  kept=", shell_word("/archive/" + task.out), "\n",
      kSkyPilotBeforeCommand, shell_command(task.command), kSkyPilotAfterCommand);
}

}  // namespace dtbench
