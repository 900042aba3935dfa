#include "data/folder_files.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "base/log.h"
#include "base/read_file.h"
#include "base/text.h"
#include "data/data_file.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    entries.push_back(entry->path());
  if (error) throw unreadable(folder, error);
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool is_hidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with('.') || name.starts_with("__");
}

class Walk {
 public:
  // Real folders before links, so that a file has the name of the folder which it is in.
  std::vector<fs::path> below(const fs::path& folder) {
    visit(folder);
    for (std::size_t i = 0; i < links_.size(); ++i)
      visit(fs::path(links_[i]));
    std::sort(files_.begin(), files_.end());
    if (!unread_.empty())
      log_info(concat("not read, since hidden or a link that leads nowhere: ",
                      shortened(join(unread_, ", "), 400)));
    return files_;
  }

 private:
  void visit(const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (error) throw unreadable(folder, error);
    if (!visited_.insert(real).second) return;
    for (const fs::path& path : entries_of(folder)) {
      const fs::file_status status = fs::status(path, error);
      const bool folder_there = fs::is_directory(status);
      const bool link = fs::is_symlink(fs::symlink_status(path, error));
      const bool leads_nowhere = link && !fs::exists(status);
      if (!folder_there && !is_data_file(path) && !leads_nowhere) continue;
      if (is_hidden(path) || (leads_nowhere && !is_data_file(path))) {
        unread_.push_back(concat("'", path.string(), "'"));
      } else if (!folder_there) {
        add_file(path, status);
      } else if (link) {
        links_.push_back(path);
      } else {
        visit(path);
      }
    }
  }

  void add_file(const fs::path& path, const fs::file_status& status) {
    if (!fs::is_regular_file(status))
      throw usage_error(
          concat("data.source: expected a file at '", path.string(), "', found ",
                 fs::is_symlink(path) ? "a link that leads to none." : "something else."),
          "Mend or remove it: its documents would be missing.");
    files_.push_back(path);
  }

  std::vector<fs::path> files_, links_;
  std::vector<std::string> unread_;
  std::set<fs::path> visited_;  // by their real paths
};

bool holds_json_files(const fs::path& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().extension() == ".json") return true;
  return false;
}

}  // namespace

std::vector<fs::path> data_files_below(const fs::path& folder) {
  return Walk().below(folder);
}

Error no_data_files(const fs::path& folder, const std::string& hint) {
  if (!holds_json_files(folder))
    return usage_error(concat("data.source: expected ", kDataFileKinds, " in the folder '",
                              folder.string(), "', found none."),
                       hint);
  return usage_error(
      concat("data.source: expected ", kDataFileKinds, " in the folder '", folder.string(),
             "', found .json files: a file for each document, as EURLEX57K has them, is not read."),
      "Join each split's into one file of JSON lines. EURLEX57K's: find train -name '*.json' -exec "
      "jq -c '{text: ([.header, .recitals] + .main_body + [.attachments] | map(values) | "
      "join(\"\\n\")), labels: .concepts}' {} + > train.jsonl; likewise dev and test.");
}

}  // namespace dtbench
