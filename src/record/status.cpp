#include "record/status.h"

#include "record/run_directory.h"

namespace dtbench {
namespace {

template <NamedEnum Enum>
std::optional<Enum> member(const Json& object, const char* pointer) {
  return enum_from<Enum>(text_or(member_or_null(object, pointer), ""));
}

std::optional<FirstNonfinite> first_nonfinite(const Json& result) {
  const Json step = member_or_null(result, "/first_nonfinite/step");
  if (!step.is_number_integer()) return std::nullopt;
  return FirstNonfinite{step.get<std::int64_t>(), member<Phase>(result, "/first_nonfinite/phase"),
                        member<NonfiniteKind>(result, "/first_nonfinite/kind"),
                        text_or(member_or_null(result, "/first_nonfinite/tensor"), "")};
}

}  // namespace

std::optional<RunResult> read_result(const Json& result) {
  const auto status = member<Status>(result, "/status");
  if (!status) return std::nullopt;
  RunResult read;
  read.status = *status;
  read.reason = text_or(member_or_null(result, "/reason"), "");
  read.outcome = member<Outcome>(result, "/outcome");
  if (const Json steps = member_or_null(result, "/steps_completed"); steps.is_number_integer())
    read.steps_completed = steps.get<std::int64_t>();
  read.first_nonfinite = first_nonfinite(result);
  if (const Json wall = member_or_null(result, "/wall_s"); wall.is_number())
    read.wall_s = wall.get<double>();
  return read;
}

std::optional<Status> status_of(const RunRecord& run) {
  return member<Status>(run.result, "/status");
}

bool is_final(const RunRecord& run) {
  const auto status = status_of(run);
  return status && is_final(*status);
}

bool is_whole(const RunRecord& run) {
  const auto status = status_of(run);
  return status && is_whole(*status);
}

}  // namespace dtbench
