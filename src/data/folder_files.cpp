#include "data/folder_files.h"

#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <set>
#include <system_error>

#include "base/ascii.h"
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

// What holds documents elsewhere and is not read here: by its kind, or a letter's case.
bool looks_like_data(const fs::path& path) {
  const std::string name = lower_case(path.filename().string());
  constexpr std::array kKinds = {".parquet", ".jsonl", ".ndjson", ".json", ".csv",
                                 ".tsv",     ".gz",    ".zst",    ".xz",   ".bz2"};
  return std::any_of(kKinds.begin(), kKinds.end(),
                     [&](const char* kind) { return name.ends_with(kind); });
}

// Data sets in parts say how many there are: train-00000-of-00002.parquet.
void require_all_parts(const std::vector<fs::path>& files) {
  static const std::regex kPart(R"((.*)-(\d{1,9})-of-(\d{1,9})(\D.*))");
  std::map<std::vector<std::string>, std::set<int>> parts;
  for (const fs::path& path : files) {
    std::smatch match;
    const std::string name = path.filename().string();
    if (std::regex_match(name, match, kPart))
      parts[{(path.parent_path() / match.str(1)).string(), match.str(3), match.str(4)}].insert(
          std::stoi(match.str(2)));
  }
  for (const auto& [key, there] : parts) {
    const auto all = static_cast<std::size_t>(std::stoi(key[1]));
    if (there.size() >= all) continue;
    throw usage_error(concat("data.source: expected all parts of '", key[0], "-*-of-", key[1],
                             key[2], "', found ", there.size(), " of ", all, "."),
                      "Copy or download the others. If these are all that you want, rename them, "
                      "without '-of-'.");
  }
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
    require_all_parts(files_);
    tell("not read, since hidden or a link that leads nowhere: ", unread_);
    tell(concat("not read, since the name does not end as that of ", kDataFileKinds, ": "),
         of_other_kinds_);
    return files_;
  }

 private:
  void visit(const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (error) throw unreadable(folder, error);
    if (!visited_.insert(real).second) return;
    for (const fs::path& path : entries_of(folder)) {
      const fs::file_status status = status_of(path);
      const bool folder_there = fs::is_directory(status);
      const bool link = fs::is_symlink(fs::symlink_status(path, error));
      const bool leads_nowhere = link && !fs::exists(status);
      if (!folder_there && !is_data_file(path) && !leads_nowhere) {
        if (looks_like_data(path) && !is_hidden(path)) of_other_kinds_.push_back(path.string());
        continue;
      }
      if (is_hidden(path) || (leads_nowhere && !is_data_file(path))) {
        unread_.push_back(path.string());
      } else if (!folder_there) {
        add_file(path, status);
      } else if (link) {
        links_.push_back(path);
      } else {
        visit(path);
      }
    }
  }

  static void tell(const std::string& why, const std::vector<std::string>& names) {
    constexpr std::size_t kMostBytes = 1000;
    if (!names.empty()) log_info(concat(why, "'", shortened(join(names, "', '"), kMostBytes), "'"));
  }

  // What is there and cannot be looked at is never taken for nothing. A link may lead nowhere, or
  // to itself.
  static fs::file_status status_of(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    const bool unknown = status.type() == fs::file_type::none;
    if (unknown && error != std::errc::too_many_symbolic_link_levels) throw unreadable(path, error);
    return status;
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
  std::vector<std::string> unread_, of_other_kinds_;
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
