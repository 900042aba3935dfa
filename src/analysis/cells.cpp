#include "analysis/cells.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "analysis/json_access.h"
#include "base/error.h"
#include "base/text.h"
#include "config/fields.h"
#include "config/policy.h"
#include "config/run_spec.h"
#include "config/study_policies.h"
#include "record/status.h"

namespace dtbench {
namespace {

constexpr std::array kExclusions = {
    EnumName{Exclusion::kDamaged, "damaged"}, EnumName{Exclusion::kOtherSchema, "other_schema"},
    EnumName{Exclusion::kForeign, "foreign"}, EnumName{Exclusion::kDuplicate, "duplicate"},
    EnumName{Exclusion::kRepeat, "repeat"},   EnumName{Exclusion::kUnfinished, "unfinished"},
    EnumName{Exclusion::kSkipped, "skipped"}, EnumName{Exclusion::kOutOfMemory, "out_of_memory"},
    EnumName{Exclusion::kFailed, "failed"}};

struct Left {
  Exclusion why;
  std::string reason;
};

// Numbers of the result that the analysis reads: each a number, its text where it is not finite, or
// null.
constexpr std::array kNumbers = {"/convergence/val_loss",
                                 "/convergence/f1_micro",
                                 "/convergence/f1_macro",
                                 "/convergence/accuracy",
                                 "/convergence/average_precision_micro",
                                 "/convergence/average_precision_micro_constant_predictor",
                                 "/convergence/val_loss_first",
                                 "/throughput/samples_per_s",
                                 "/mfu/vs_spec",
                                 "/mfu/vs_measured",
                                 "/memory/peak_allocated_bytes"};

std::optional<Left> other_schema(const RunRecord& run) {
  for (const auto& [file, object] :
       {std::pair{"audit.json", &run.audit}, std::pair{"result.json", &run.result}}) {
    const Json version = member_or_null(*object, "/schema_version");
    if (version.is_number_integer() && version != kSchemaVersion)
      return Left{Exclusion::kOtherSchema, concat(file, " has schema version ", version.dump(),
                                                  ", this program reads ", kSchemaVersion)};
  }
  return std::nullopt;
}

std::optional<Left> foreign(const RunRecord& run) {
  const std::string id = cell_id(run.spec);
  for (const auto& [file, object] :
       {std::pair{"audit.json", &run.audit}, std::pair{"result.json", &run.result}}) {
    const Json recorded = member_or_null(*object, "/cell_id");
    if (recorded != id)
      return Left{Exclusion::kForeign, concat(file, " belongs to cell ", recorded.dump(),
                                              ", but spec.json is that of cell \"", id, "\"")};
  }
  return std::nullopt;
}

std::optional<Left> status(const RunRecord& run) {
  const auto result = read_result(run.result);
  if (!result)
    return Left{Exclusion::kDamaged, concat("result.json: status is ",
                                            json_text(member_or_null(run.result, "/status")))};
  switch (result->status) {
    case Status::kCompleted:
    case Status::kDiverged:
      return std::nullopt;
    case Status::kInterrupted:
      return Left{Exclusion::kUnfinished, to_string(result->status)};
    case Status::kSkipped:
      return Left{Exclusion::kSkipped, result->reason};
    case Status::kOutOfMemory:
      return Left{Exclusion::kOutOfMemory, result->reason};
    case Status::kFailed:
      return Left{Exclusion::kFailed, result->reason};
  }
  throw std::logic_error("a status without a rule");
}

std::optional<Left> wrong_field(const RunRecord& run) {
  const auto wrong = [](const char* field, const char* expected, const Json& found) {
    return Left{Exclusion::kDamaged,
                concat("'", field + 1, "' must be ", expected, ", got ", json_text(found))};
  };
  for (const char* text : {"/scenario", "/policy/name", "/device"})
    if (const Json value = member_or_null(run.spec, text); !value.is_string())
      return wrong(text, "text", value);
  for (const char* count : {"/seed", "/train/steps"})
    if (const Json value = member_or_null(run.spec, count); !value.is_number_integer())
      return wrong(count, "a whole number", value);
  if (const Json identity = member_or_null(run.audit, "/identity"); !identity.is_object())
    return wrong("/identity", "an object (audit.json)", identity);
  if (const Json steps = member_or_null(run.result, "/steps_completed"); !steps.is_number_integer())
    return wrong("/steps_completed", "a whole number", steps);
  const Json first = member_or_null(run.result, "/first_nonfinite");
  if (!first.is_null() && !member_or_null(first, "/step").is_number_integer())
    return wrong("/first_nonfinite", "null or an object with its step", first);
  for (const char* number : kNumbers) {
    const Json value = member_or_null(run.result, number);
    if (!value.is_null() && !number_or_none(value)) return wrong(number, "a number", value);
  }
  return std::nullopt;
}

// What no run of ours writes: each field is right by itself, together they are not.
std::optional<Left> contradiction(const RunRecord& run) {
  const auto damaged = [](const auto&... words) {
    return Left{Exclusion::kDamaged, concat("result.json: ", words...)};
  };
  const Json& result = run.result;
  const Json steps = member_or_null(result, "/steps_completed");
  const Json asked = member_or_null(run.spec, "/train/steps");
  if (status_of(run) == Status::kCompleted && steps != asked)
    return damaged("completed with ", steps.dump(), " of ", asked.dump(), " steps");
  const auto outcome = read_result(result)->outcome;
  if (!outcome) return damaged("outcome is ", json_text(member_or_null(result, "/outcome")));
  const auto loss = number_or_none(member_or_null(result, "/convergence/val_loss"));
  if (outcome == Outcome::kTrained && !(loss && std::isfinite(*loss)))
    return damaged("trained without a finite validation loss");
  if (const Json first = member_or_null(result, "/first_nonfinite/step");
      first.is_number() && first < 0)
    return damaged("the first non-finite value is in step ", first.dump());
  const Json rate = member_or_null(result, "/throughput/samples_per_s");
  if (const auto value = number_or_none(rate); value && !(*value > 0 && std::isfinite(*value)))
    return damaged("samples_per_s is ", rate.dump());
  return std::nullopt;
}

// The reference is what its name says, whoever named it: everything is held against it.
std::optional<Left> false_reference(const RunRecord& run) {
  Json policy = member_or_null(run.spec, "/policy");
  if (policy.at("name") != kReferencePolicy) return std::nullopt;
  Json shipped = to_json(DtypePolicy{});  // fp32 in every field is the default
  for (const char* words : {"name", "description"}) {
    shipped.erase(words);
    policy.erase(words);
  }
  const Json differing = differences(policy_with_historical(policy), shipped);
  if (differing.empty()) return std::nullopt;
  std::vector<std::string> fields;
  for (const Json& each : differing)
    fields.push_back(concat(each.at("field").get<std::string>(), " ", each.at("here").dump(),
                            " in place of ", each.at("there").dump()));
  return Left{Exclusion::kForeign,
              concat("a policy called ", kReferencePolicy, " with ", join(fields, ", "))};
}

std::optional<Left> reason_to_leave_out(const RunRecord& run) {
  if (const auto left = other_schema(run)) return left;
  if (run.damage) return Left{Exclusion::kDamaged, *run.damage};
  if (is_running(run.path)) return Left{Exclusion::kUnfinished, "running"};
  if (run.result.is_null()) return Left{Exclusion::kUnfinished, to_string(Status::kInterrupted)};
  if (const auto left = status(run)) return left;
  if (run.audit.is_null()) return Left{Exclusion::kDamaged, "audit.json is missing"};
  if (const auto left = foreign(run)) return left;
  if (!std::filesystem::exists(run.path / "steps.jsonl"))
    return Left{Exclusion::kDamaged, "steps.jsonl is missing"};
  if (const auto left = wrong_field(run)) return left;
  if (const auto left = contradiction(run)) return left;
  return false_reference(run);
}

// The card itself where the record knows it, else its kind.
std::string card_of(const Json& audit) {
  const Json& device = audit.at("identity").value("device", Json::object());
  const std::string kind = text_or(member_or_null(device, "/cuda/name"),
                                   text_or(member_or_null(device, "/cpu"), "a device"));
  const std::string card = text_or(member_or_null(audit, "/session/card"), "");
  return card.empty() ? kind : concat(kind, " ", card);
}

Cell cell_of(const RunRecord& run) {
  return {run.path,
          run.result.at("cell_id").get<std::string>(),
          run.spec.at("scenario").get<std::string>(),
          run.spec.at("policy").at("name").get<std::string>(),
          run.spec.at("seed").get<std::int64_t>(),
          run.spec,
          run.audit.at("identity"),
          run.result,
          text_or(member_or_null(run.audit, "/session/id"), ""),
          card_of(run.audit),
          run.study};
}

}  // namespace

static std::span<const EnumName<Exclusion>> names_of(Exclusion) {
  return kExclusions;
}

const char* to_string(Exclusion value) {
  return enum_name(value);
}

bool Cell::counts_for(const std::string& hypothesis) const {
  if (!study) return true;
  const std::vector<std::string>& list = study->hypotheses;
  return std::find(list.begin(), list.end(), hypothesis) != list.end();
}

bool Cell::completed() const {
  return read_result(result)->status == Status::kCompleted;
}

bool Cell::finite() const {
  return completed() && !died() && result.at("steps_completed") == spec.at("train").at("steps");
}

bool Cell::trained() const {
  return finite() && read_result(result)->outcome == Outcome::kTrained;
}

std::optional<std::int64_t> Cell::first_nonfinite() const {
  const Json step = member_or_null(result, "/first_nonfinite/step");
  return step.is_null() ? std::nullopt : std::optional(step.get<std::int64_t>());
}

bool Cell::died() const {
  return first_nonfinite() || read_result(result)->outcome == Outcome::kNonfinite;
}

std::int64_t Cell::steps_completed() const {
  return result.at("steps_completed").get<std::int64_t>();
}

bool Cell::synthetic() const {
  return member_or_null(spec, "/data/source") == "synthetic";
}

std::optional<double> Cell::measured(const char* pointer) const {
  return number_or_none(member_or_null(result, pointer));
}

Cells cells_of(const std::vector<RunRecord>& records) {
  Cells cells;
  std::set<std::string> seen;
  std::set<std::array<std::string, 3>> measured;  // id, card, session
  for (const RunRecord& run : records) {
    std::optional<Left> left = reason_to_leave_out(run);
    if (!left) {
      Cell cell = cell_of(run);
      const bool elsewhere = measured.insert({cell.id, cell.card, cell.session}).second;
      if (seen.insert(cell.id).second) {
        cells.used.push_back(std::move(cell));
        continue;
      }
      const std::string id = cell.id;
      if (elsewhere) cells.repeats.push_back(std::move(cell));
      left = elsewhere
                 ? Left{Exclusion::kRepeat,
                        concat("cell ", id, " in another session, which counts for speed alone")}
                 : Left{Exclusion::kDuplicate, concat("cell ", id, " is there already")};
    }
    cells.excluded.push_back(
        {run.path, left->why, left->reason, member_or_null(run.spec, "/scenario"),
         member_or_null(run.spec, "/policy/name"), member_or_null(run.spec, "/seed")});
  }
  return cells;
}

}  // namespace dtbench
