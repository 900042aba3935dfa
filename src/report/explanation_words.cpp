#include "report/explanation_words.h"

#include "analysis/json_access.h"
#include "base/table.h"
#include "base/text.h"

namespace dtbench {
namespace {

// "conv1d of transformer.h.1.mlp.c_proj".
std::string place(const Json& node) {
  const std::string module = readable_at(node, "/module");
  return concat(readable_at(node, "/operation"), module.empty() ? "" : " of " + module);
}

}  // namespace

std::string readable_at(const Json& json, const char* pointer) {
  return readable(member_or_null(json, pointer));
}

std::string replay_text(const Json& explanation) {
  const std::string steps = readable_at(explanation, "/replay/steps");
  const std::string equal = readable_at(explanation, "/replay/steps_equal");
  const Json differs = member_or_null(explanation, "/replay/differs");
  std::string text =
      concat("The replay agrees with the record in ", equal, " of ", steps, " steps, bit for bit");
  text += differs == "" ? std::string(".")
                        : concat("; ", text_or(differs, ""),
                                 ". Another machine or revision made it: what follows is about the "
                                 "replay.");
  return text + (member_or_null(explanation, "/replay/step_repeats") == true
                     ? concat(" Its last step, computed twice, gives the same bits",
                              differs == "" ? ": arithmetic, not the machine." : ".")
                     : std::string(" Its last step, computed twice, gives different bits: either "
                                   "the machine is faulty, or an operation is not "
                                   "deterministic."));
}

std::string origin_text(const Json& explanation) {
  const Json& origin = explanation.at("origin");
  if (origin.is_null())
    return concat("The passes are finite; the update made ",
                  readable_at(explanation, "/first_nonfinite/tensor"), " ",
                  readable_at(explanation, "/first_nonfinite/kind"), ".");
  std::string text =
      concat(readable_at(origin, "/phase"), " pass, ", place(origin), ", element ",
             readable_at(origin, "/element"), " of ", origin.at("shape").dump(), ": ",
             readable_at(origin, "/value"), " in ", readable_at(origin, "/datatype"),
             ", whose largest number is ", readable_at(origin, "/datatype_largest"), ".");
  const bool attention = origin.at("operation") == "attention";
  if (!origin.at("exact").is_null())
    text += concat(attention ? " The largest score is " : " In fp64 it is ",
                   readable_at(origin, "/exact"), ".");
  for (const Json& operand : origin.at("operands"))
    text += concat(" ", readable_at(operand, "/role"), " (", readable_at(operand, "/datatype"),
                   ") reaches ", readable_at(operand, "/largest"), ".");
  return text;
}

std::vector<std::string> chain_places(const Json& explanation) {
  std::vector<std::string> places;
  for (const Json& node : explanation.at("chain")) {
    const std::string where = place(node);
    if (places.empty() || places.back() != where) places.push_back(where);
  }
  return places;
}

std::string cause_text(const Json& explanation) {
  const Json& diagnoses = explanation.at("diagnoses");
  std::string text = readable_at(diagnoses.at(0), "/text");
  for (std::size_t i = 1; i < diagnoses.size(); ++i)
    text += concat(" What happened at step ", readable_at(diagnoses[i], "/since_step"), " (",
                   readable_at(diagnoses[i], "/cause"), ") came after it.");
  return text;
}

std::string trial_end(const Json& trial) {
  if (trial.at("survived") == true) return "survives";
  if (trial.at("nonfinite") == true)
    return "dies at step " + std::to_string(trial.at("steps").get<std::int64_t>() - 1);
  return trial.at("skipped") == true ? "skips its last step" : "loss above 2 x its first";
}

std::string proof_text(const Json& explanation) {
  const Json& proof = explanation.at("proof");
  if (proof.at("change") == "") return concat("Not proved: ", join(proof.at("against"), "; "), ".");
  std::string change;
  for (const Json& trial : explanation.at("trials"))
    if (trial.at("id") == proof.at("change")) change = readable_at(trial, "/change");
  const std::string replays = readable_at(proof, "/replays");
  std::string text =
      concat("With initial weights moved by one ulp, the cell dies in ",
             readable_at(proof, "/unchanged_died"), " of ", replays, " replays; with ", change,
             " it survives in ", readable_at(proof, "/change_survived"), " of ", replays, ". ");
  if (explanation.at("verdict") == "proved")
    return text + "No control survives, so the cause is proved for this window.";
  return text + "Consistent with the cause, not proved: " + join(proof.at("against"), "; ") + ".";
}

}  // namespace dtbench
