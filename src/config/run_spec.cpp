#include "config/run_spec.h"

#include <algorithm>
#include <array>

#include "base/sha256.h"
#include "config/fields.h"

namespace dtbench {
namespace {

constexpr std::array kArchitectures = {EnumName{Architecture::kGpt2, "gpt2"},
                                       EnumName{Architecture::kRoberta, "roberta"}};
constexpr std::array kObjectives = {
    EnumName{Objective::kCausalLm, "clm"}, EnumName{Objective::kMaskedLm, "mlm"},
    EnumName{Objective::kMultiLabel, "multi_cls"}, EnumName{Objective::kSingleLabel, "single_cls"}};

}  // namespace

static std::span<const EnumName<Architecture>> names_of(Architecture) {
  return kArchitectures;
}
static std::span<const EnumName<Objective>> names_of(Objective) {
  return kObjectives;
}

template <typename Visit>
static void visit_fields(ModelSpec& model, Visit&& visit) {
  visit("architecture", model.architecture);
  visit("layers", model.layers);
  visit("width", model.width);
  visit("heads", model.heads);
  visit("positions", model.positions);
  visit("dropout", model.dropout);
  visit("layer_norm_epsilon", model.layer_norm_epsilon);
  visit("init", model.init);
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
  visit("label_form", data.label_form);
  visit("examples", data.examples);
  visit("bytes", data.bytes);
  visit("length", data.length);
  visit("synthetic_documents", data.synthetic_documents);
  visit("synthetic_labels", data.synthetic_labels);
}

template <typename Visit>
static void visit_fields(TrainSpec& train, Visit&& visit) {
  visit("steps", train.steps);
  visit("batch", train.batch);
  visit("micro_batch", train.micro_batch);
  visit("learning_rate", train.learning_rate);
  visit("warmup_steps", train.warmup_steps);
  visit("beta1", train.beta1);
  visit("beta2", train.beta2);
  visit("weight_decay", train.weight_decay);
  visit("clip_norm", train.clip_norm);
  visit("bce_reduction", train.bce_reduction);
  visit("eval_every", train.eval_every);
  visit("eval_examples", train.eval_examples);
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
  visit("seed", spec.seed);
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

constexpr const char* kAnew = "Have the spec written anew: 'dtbench run ... --dry-run' prints it.";

DtypePolicy read_policy_in_spec(const Json& json, const std::string& origin) {
  const FieldPlace place{"policy", origin};
  if (!json.is_object()) throw wrong_value(place, "a table of keys", json);
  const Json expected = policy_in_spec(DtypePolicy{}).flatten();
  for (const auto& [pointer, value] : expected.items()) {
    if (json.contains(Json::json_pointer(pointer))) continue;
    std::string key = "policy" + pointer;
    std::replace(key.begin(), key.end(), '/', '.');
    throw usage_error(concat("The key '", key, "' is missing in ", origin, "."), kAnew);
  }
  if (json.contains("description")) throw unknown_key(place.member("description"), {});
  return policy_from_json(json, origin);
}

}  // namespace

const char* to_string(Architecture value) {
  return enum_name(value);
}
const char* to_string(Objective value) {
  return enum_name(value);
}

Json to_json(const RunSpec& spec) {
  Json json = field_to_json(spec);
  json["policy"] = policy_in_spec(spec.policy);
  if (spec.data.label_form.empty()) json["data"].erase("label_form");  // cells keep their ids
  return json;
}

RunSpec run_spec_from_json(const Json& json, const std::string& origin) {
  if (!json.is_object() || !json.contains("policy"))
    throw usage_error(concat("The key 'policy' is missing in ", origin, "."), kAnew);
  RunSpec spec;
  Json rest = json;
  rest.erase("policy");
  if (const auto data = rest.find("data"); data != rest.end() && data->is_object())
    data->emplace("label_form", "");  // unless it is there
  read_struct(rest, {"", origin}, MissingKeys::kAreErrors, spec);
  spec.policy = read_policy_in_spec(json.at("policy"), origin);
  validate(spec);
  return spec;
}

std::string cell_id(const Json& spec) {
  return sha256_hex(canonical_json(spec)).substr(0, 16);
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
