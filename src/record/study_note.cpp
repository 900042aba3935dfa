#include "record/study_note.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/error.h"
#include "config/fields.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

void add_missing(std::vector<std::string>& list, const std::vector<std::string>& more) {
  for (const std::string& each : more)
    if (std::find(list.begin(), list.end(), each) == list.end()) list.push_back(each);
}

std::vector<std::string> texts_of(const Json& json, const char* key, const std::string& origin) {
  std::vector<std::string> list;
  read_field(json.value(key, Json::array()), {key, origin}, MissingKeys::kAreErrors, list);
  return list;
}

}  // namespace

Json to_json(const StudyNote& note) {
  return {{"study", note.study},
          {"sha256", note.sha256},
          {"rules", note.rules},
          {"stages", note.stages},
          {"hypotheses", note.hypotheses}};
}

StudyNote study_note_from_json(const Json& json, const std::string& origin) {
  const auto text = [&](const Json& value, const std::string& key) {
    if (!value.is_string()) throw wrong_value({key, origin}, "text", value);
    return value.get<std::string>();
  };
  StudyNote note{text(json.value("study", Json()), "study"),
                 text(json.value("sha256", Json()), "sha256"),
                 {},
                 texts_of(json, "stages", origin),
                 texts_of(json, "hypotheses", origin)};
  const Json rules = json.value("rules", Json::object());
  if (!rules.is_object()) throw wrong_value({"rules", origin}, "a table", rules);
  for (const auto& [hypothesis, sha256] : rules.items())
    note.rules[hypothesis] = text(sha256, concat("rules.", hypothesis));
  return note;
}

void put_study_note(const fs::path& run, const StudyNote& note) {
  const fs::path file = run / kStudyFile;
  StudyNote all = note;
  if (fs::exists(file)) {
    all = study_note_from_json(read_json_file(file), file.string());
    add_missing(all.stages, note.stages);
    add_missing(all.hypotheses, note.hypotheses);
  }
  make_directories(run);
  write_file_atomically(file, json_text(to_json(all), 1) + "\n");
}

}  // namespace dtbench
