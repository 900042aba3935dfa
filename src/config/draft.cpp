#include "config/draft.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "config/fields.h"
#include "config/settings.h"

namespace dtbench {
namespace {

// Fields whose value follows from others unless somebody sets it.
const std::vector<std::string> kDerived = {"model.positions", "train.learning_rate",
                                           "train.micro_batch"};

// The choices there are for a field that a file may give as a table of alternatives; else none.
std::vector<std::string> alternatives_of(const std::string& key) {
  if (key == "model.positions") return registry<ModelFamily>().names();
  if (key == "train.learning_rate") return {"pretrained", "scratch"};
  return {};
}

constexpr const char* kPretrained = "pretrained";

void require_type(const Json& field, const Json& value, const FieldPlace& place) {
  if (field.is_boolean() && !value.is_boolean()) throw wrong_value(place, "true or false", value);
  if (field.is_string() && !value.is_string()) throw wrong_value(place, "text", value);
  if (field.is_number_float() && !value.is_number()) throw wrong_value(place, "a number", value);
  if (field.is_number_integer() && !value.is_number_integer())
    throw wrong_value(place, "a whole number", value);
}

void require_type_or_alternatives(const std::string& key, const Json& value,
                                  const FieldPlace& place) {
  const Json& field = spec_fields().at(key_pointer(key));
  const std::vector<std::string> known = alternatives_of(key);
  if (known.empty() || !value.is_object()) return require_type(field, value, place);
  for (const auto& [choice, chosen] : value.items()) {
    if (std::find(known.begin(), known.end(), choice) == known.end())
      throw unknown_key({choice, concat(place.name, " in ", place.origin)}, known);
    require_type(field, chosen, place.member(choice));
  }
}

// The alternative for `choice`, or the value itself when it is no table. Null: none.
Json choose(const Json& value, const std::string& choice) {
  return value.is_object() ? value.value(choice, Json()) : value;
}

// "pretrained" is an address on the Hub, and the spec says which.
void name_published_model(const ModelFamily& family, Json& spec) {
  const auto name = [&](Json& field, const char* key, std::string PublishedModel::* address) {
    if (field != kPretrained) return;
    if (!family.published)
      throw usage_error(concat("'", key, "' = 'pretrained', but no published model of the family ",
                               family.title, " is known."),
                        "Give a file or an address on the Hub, or --init scratch.");
    field = (*family.published).*address;
  };
  name(spec["model"]["init"], "model.init", &PublishedModel::weights);
  name(spec["data"]["tokenizer"], "data.tokenizer", &PublishedModel::tokenizer);
}

// A process's whole share of the batch. Ranges are checked later, so numbers may be any.
std::int64_t share_of_batch(const Json& train) {
  const auto batch = train["batch"].get<std::int64_t>();
  const auto processes = train["processes"].get<std::int64_t>();
  return processes > 1 && batch >= processes ? batch / processes : batch;
}

// An entry that the settings name.
template <typename Entry>
const Entry& entry_of(const Json& spec, const std::string& key) {
  Registered<Entry> found = registry<Entry>().entries().front();
  read_name(spec.at(key_pointer(key)), {key, "the settings"}, found);
  return *found;
}

}  // namespace

Draft::Draft() : json_(spec_fields()) {
  for (const std::string& key : kDerived)
    json_[key_pointer(key)] = nullptr;
}

void Draft::lay_over(const Json& table, const std::string& origin, Authority authority) {
  for (const auto& [name, value] : table.items()) {
    const bool is_group = spec_fields().contains(name) && spec_fields().at(name).is_object();
    if (!is_group) {
      set(name, value, origin, authority);
      continue;
    }
    if (!value.is_object()) throw wrong_value({name, origin}, "a table of keys", value);
    for (const auto& [member, member_value] : value.items())
      set(concat(name, ".", member), member_value, origin, authority);
  }
}

void Draft::lay_over(const Setting& setting) {
  set(setting.key, parse_setting(setting), setting.origin, Authority::kUser);
}

void Draft::set(const std::string& key, const Json& value, const std::string& origin,
                Authority authority) {
  // A field, no group of them: "train." and "" are spelled like the group and the whole.
  const Json& fields = spec_fields();
  const bool exists = fields.contains(key_pointer(key)) && !fields.at(key_pointer(key)).is_object();
  if (authority == Authority::kUser || !exists) require_settable(key, origin);
  if (!exists)  // settable elsewhere: it chooses a file
    throw usage_error(concat("'", key, "' in ", origin, " is no setting of a scenario or preset."),
                      concat("Leave it out, and choose with --", key, "."));
  require_type_or_alternatives(key, value, {key, origin});
  json_[key_pointer(key)] = value;
  given_.insert(key);
  if (authority == Authority::kUser) user_origins_[key] = origin;
}

std::string Draft::text(const std::string& key) const {
  return json_.at(key_pointer(key)).get<std::string>();
}

void Draft::set_default(const std::string& key, const Json& value) {
  if (!set_by_user(key)) json_[key_pointer(key)] = value;
}

RunSpec Draft::finish(const DtypePolicy& policy) const {
  Json json = json_;
  Json& model = json["model"];
  Json& train = json["train"];
  const auto& family = entry_of<ModelFamily>(json, "model.architecture");
  name_published_model(family, json);
  for (const auto& [key, value] : entry_of<OptimizerKind>(json, "train.optimizer").defaults)
    if (!given_.contains(key)) json[key_pointer(key)] = value;
  const bool from_scratch = model["init"] == "scratch";

  Json& positions = model["positions"];
  positions = choose(positions, family.name);
  if (positions.is_null()) {  // a length beyond every range is refused by its own name
    constexpr std::int64_t kMost = std::int64_t{1} << 24;  // of positions, as of lengths
    positions =
        std::min(json["data"]["length"].get<std::int64_t>(), kMost - family.first_position) +
        family.first_position;
  }

  Json& rate = train["learning_rate"];
  rate = choose(rate, from_scratch ? "scratch" : "pretrained");
  if (rate.is_null())
    throw usage_error("'train.learning_rate' is not set.", "--lr 5e-5, for example.");

  if (train["micro_batch"].is_null()) train["micro_batch"] = share_of_batch(train);

  RunSpec with_policy;
  with_policy.policy = policy;
  json["policy"] = to_whole_json(with_policy)["policy"];
  RunSpec spec = run_spec_from_json(json, "the settings");
  spec.policy = policy;
  return spec;
}

}  // namespace dtbench
