#include "data/store_meta.h"

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/whole_number.h"

namespace dtbench {

const char* to_string(Split split) {
  return split == Split::kTrain ? "train" : "validation";
}

std::string meta_checksum(Json json) {
  json.erase("checksum");
  return sha256_hex(canonical_json(json));
}

std::string StoreMeta::content_fingerprint() const {
  return sha256_hex(canonical_json(files));
}

Json to_json(const StoreMeta& meta) {
  Json json = {{"store_version", kStoreVersion},
               {"name", meta.name},
               {"synthetic", meta.synthetic},
               {"fingerprint", meta.fingerprint},
               {"vocab_size", meta.vocab_size},
               {"token_scheme", meta.token_scheme},
               {"pad_token_id", meta.pad_token_id},
               {"mask_token_id", meta.mask_token_id ? Json(*meta.mask_token_id) : Json()},
               {"special_token_ids", meta.special_token_ids},
               {"labels", meta.labels},
               {"labels_checked", meta.labels_checked},
               {"counts", meta.counts},
               {"files", meta.files},
               {"unigram_loss", json_number(meta.unigram_loss)},
               {"single_label_prior_loss", json_number(meta.single_label_prior_loss)},
               {"single_label_majority_accuracy", json_number(meta.single_label_majority_accuracy)},
               {"multi_label_prior_loss", json_number(meta.multi_label_prior_loss)}};
  if (!meta.notes.empty()) json["notes"] = meta.notes;
  json["checksum"] = meta_checksum(json);
  return json;
}

StoreMeta store_meta_from_json(const Json& json, const std::string& origin) {
  try {
    const std::int64_t version = whole_number(json.at("store_version"));
    if (version != kStoreVersion)
      throw usage_error(concat("Store '", origin, "': expected store_version ", kStoreVersion,
                               ", found ", version, ": another version of dtbench wrote it."),
                        "Prepare the data again with this version.");
    StoreMeta meta;
    json.at("name").get_to(meta.name);
    json.at("synthetic").get_to(meta.synthetic);
    json.at("fingerprint").get_to(meta.fingerprint);
    meta.vocab_size = whole_number(json.at("vocab_size"));
    json.at("token_scheme").get_to(meta.token_scheme);
    meta.pad_token_id = whole_number(json.at("pad_token_id"));
    if (const Json& mask = json.at("mask_token_id"); !mask.is_null())
      meta.mask_token_id = whole_number(mask);
    for (const Json& id : json.at("special_token_ids"))
      meta.special_token_ids.push_back(whole_number(id));
    json.at("labels").get_to(meta.labels);
    meta.labels_checked = json.value("labels_checked", false);
    if (json.contains("notes")) json.at("notes").get_to(meta.notes);
    meta.counts = json.at("counts");
    json.at("files").get_to(meta.files);
    const auto number = [&](const char* field) { return number_from_json(json.at(field), field); };
    meta.unigram_loss = number("unigram_loss");
    meta.single_label_prior_loss = number("single_label_prior_loss");
    meta.single_label_majority_accuracy = number("single_label_majority_accuracy");
    meta.multi_label_prior_loss = number("multi_label_prior_loss");
    return meta;
  } catch (const Json::exception& error) {
    throw usage_error(
        concat("Store '", origin, "': meta.json is not a store's: ", json_fault(error), "."),
        "Remove the folder and prepare the data again.");
  }
}

}  // namespace dtbench
