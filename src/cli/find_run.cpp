#include "cli/find_run.h"

#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "record/run_directory.h"

namespace dtbench {

namespace fs = std::filesystem;

fs::path find_run(const std::string& name, const std::string& root) {
  if (fs::is_directory(name)) {
    const fs::path run = name;
    return run.has_filename() ? run : run.parent_path();  // "runs/0123/"
  }
  if (const fs::path whole = fs::path(root) / name; fs::is_directory(whole)) return whole;
  std::vector<std::string> ids, matches;
  for (const RunRecord& run : read_runs(root))
    ids.push_back(run.path.filename().string());
  for (const std::string& id : ids)
    if (id.starts_with(name)) matches.push_back(id);
  if (matches.size() == 1) return fs::path(root) / matches.front();
  if (matches.size() > 1)
    throw usage_error(concat("'", name, "' begins the ids of ", matches.size(),
                             " runs: ", join(matches, ", "), "."),
                      "Give more digits.");
  throw usage_error(
      concat("There is no run '", name, "' in '", root, "'."),
      ids.empty() ? "--out names the root folder of records." : suggestion(name, ids));
}

}  // namespace dtbench
