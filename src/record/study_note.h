// study.json of a record: which study it was trained for, and under which rules. Written before the
// first step and never changed but for stages that use the cell again, so that a reader can tell
// which rule stood in its file before which data.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

inline constexpr const char* kStudyFile = "study.json";

struct StudyNote {
  std::string study;   // its name
  std::string sha256;  // of all its files together: stages, matrices, hypotheses
  std::map<std::string, std::string> rules;  // hypothesis -> SHA-256 of its file
  std::vector<std::string> stages;           // those that the cell is a part of
  std::vector<std::string> hypotheses;       // those that it counts for; none: for no verdict
};

// Writes the note, or adds the stages and hypotheses to the one that is there.
void put_study_note(const std::filesystem::path& run, const StudyNote& note);

Json to_json(const StudyNote& note);
// Throws Error (usage) for JSON that is no note.
StudyNote study_note_from_json(const Json& json, const std::string& origin);

}  // namespace dtbench
