#include "config/run_spec.h"

#include <limits>

#include "base/sha256.h"
#include "config/dotted_key.h"
#include "config/fields.h"

namespace dtbench {
namespace {

// Steps and batch positions are 32-bit words of the generators' counters.
constexpr double kMostSteps = std::numeric_limits<std::int32_t>::max();
constexpr double kLongest = 1 << 24;  // tokens
constexpr double kMostProcesses = 1024;
constexpr double kMostBuckets = 64;  // few shapes are what they are for

}  // namespace

template <typename Visit>
static void visit_fields(ModelSpec& model, Visit&& visit) {
  visit("architecture", model.architecture);
  visit(Field("layers").between(1, 1000), model.layers);
  visit(Field("width").between(1, 65536), model.width);
  visit(Field("heads").at_least(1), model.heads);
  visit(Field("positions").between(1, kLongest), model.positions);
  visit(Field("dropout").at_least(0).below(1), model.dropout);
  visit(Field("layer_norm_epsilon").above(0), model.layer_norm_epsilon);
  visit(Field("attention").historically("composed"), model.attention);
  visit("init", model.init);
  visit(Field("init_head").historically("file"), model.init_head);
}

template <typename Visit>
static void visit_fields(DataSpec& data, Visit&& visit) {
  visit("source", data.source);
  visit("tokenizer", data.tokenizer);
  visit("vocab", data.vocab);
  visit("merges", data.merges);
  visit("text_field", data.text_field);
  visit("label_field", data.label_field);
  visit("split_field", data.split_field);
  visit(Field("label_form").historically(""), data.label_form);
  visit(Field("examples").at_least(0), data.examples);
  visit(Field("bytes").at_least(0), data.bytes);
  visit(Field("length").between(1, kLongest), data.length);
  visit(Field("synthetic_documents").between(0, 100'000'000), data.synthetic_documents);
  visit(Field("synthetic_labels").between(0, 100'000), data.synthetic_labels);
}

template <typename Visit>
static void visit_fields(TrainSpec& train, Visit&& visit) {
  visit(Field("steps").between(1, kMostSteps), train.steps);
  visit(Field("batch").between(1, 1 << 20), train.batch);
  visit(Field("micro_batch").at_least(1), train.micro_batch);
  visit(Field("processes").between(1, kMostProcesses).historically(1), train.processes);
  visit(Field("length_buckets").between(0, kMostBuckets).historically(0), train.length_buckets);
  visit(Field("optimizer").historically("adamw"), train.optimizer);
  visit(Field("learning_rate").above(0), train.learning_rate);
  visit(Field("warmup_steps").at_least(0), train.warmup_steps);
  visit(Field("beta1").at_least(0).below(1), train.beta1);
  visit(Field("beta2").at_least(0).below(1), train.beta2);
  visit(Field("weight_decay").at_least(0), train.weight_decay);
  visit(Field("clip_norm").above(0), train.clip_norm);
  visit("bce_reduction", train.bce_reduction);
  visit(Field("eval_every").between(0, kMostSteps), train.eval_every);
  visit(Field("eval_examples").between(1, kMostSteps), train.eval_examples);
  visit("on_nonfinite", train.on_nonfinite);
}

// All but the policy, which has its own reader.
template <typename Visit>
static void visit_fields(RunSpec& spec, Visit&& visit) {
  visit("scenario", spec.scenario);
  visit("preset", spec.preset);
  visit("objective", spec.objective);
  visit("model", spec.model);
  visit("data", spec.data);
  visit("train", spec.train);
  visit(Field("seed").between(0, std::numeric_limits<std::uint32_t>::max()), spec.seed);
  visit("device", spec.device);
  visit("engine", spec.engine);
}

namespace {

// A spec holds its policy whole, without the description: words for people are no part of a cell's
// identity.
Json policy_in_spec(const DtypePolicy& policy) {
  Json json = to_json(policy);
  json.erase("description");
  return json;
}

constexpr const char* kAnew = "Write the spec again: 'dtbench run ... --dry-run' prints it.";

DtypePolicy read_policy_in_spec(const Json& recorded, const std::string& origin) {
  const FieldPlace place{"policy", origin};
  if (!recorded.is_object()) throw wrong_value(place, "a table of keys", recorded);
  const Json json = policy_with_historical(recorded);
  const Json expected = policy_in_spec(DtypePolicy{}).flatten();
  for (const auto& [pointer, value] : expected.items()) {
    if (json.contains(Json::json_pointer(pointer))) continue;
    throw usage_error(
        concat("The key 'policy.", dotted_key(pointer), "' is missing in ", origin, "."), kAnew);
  }
  if (json.contains("description")) throw unknown_key(place.member("description"), {});
  return policy_from_json(json, origin);
}

Json without_historical(Json spec) {
  omit_historical<RunSpec>(spec);
  if (spec.is_object() && spec.contains("policy"))
    spec["policy"] = policy_without_historical(std::move(spec["policy"]));
  return spec;
}

}  // namespace

Json to_whole_json(const RunSpec& spec) {
  Json json = field_to_json(spec);
  json["policy"] = policy_in_spec(spec.policy);
  return json;
}

Json to_json(const RunSpec& spec) {
  return without_historical(to_whole_json(spec));
}

RunSpec run_spec_from_json(const Json& json, const std::string& origin) {
  if (!json.is_object() || !json.contains("policy"))
    throw usage_error(concat("The key 'policy' is missing in ", origin, "."), kAnew);
  RunSpec spec;
  Json rest = json;
  rest.erase("policy");
  fill_in_historical<RunSpec>(rest);
  read_struct(rest, {"", origin}, MissingKeys::kAreErrors, spec);
  spec.policy = read_policy_in_spec(json.at("policy"), origin);
  validate(spec);
  return spec;
}

void require_spec_ranges(const RunSpec& spec) {
  require_ranges(spec, {"", ""});
}

std::string cell_id(const Json& spec) {
  return sha256_hex(canonical_json(without_historical(spec))).substr(0, 16);
}

std::string cell_id(const RunSpec& spec) {
  try {
    return cell_id(to_json(spec));
  } catch (const Json::type_error&) {
    throw usage_error("A setting holds bytes that are not UTF-8 text.",
                      "Rename the file, or link to it under a plain name.");
  }
}

}  // namespace dtbench
