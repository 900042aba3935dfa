#include "config/run_spec.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <set>

#include "base/sha256.h"
#include "config/support.h"

namespace dtbench {
namespace {

TEST(RunSpec, JsonAndBack) {
  for (const char* scenario : {"A", "B", "C", "D", "E", "F"})
    for (const std::string& policy : policy_names(source_configs())) {
      const RunSpec spec = resolve(tiny_request(scenario, policy));
      const RunSpec again = run_spec_from_json(Json::parse(canonical_json(to_json(spec))), "spec");
      EXPECT_EQ(canonical_json(to_json(again)), canonical_json(to_json(spec)));
      EXPECT_EQ(cell_id(again), cell_id(spec));
    }
}

TEST(RunSpec, EveryKeyMustBeThereAndNoneBesides) {
  const Json whole = to_json(resolve(tiny_request()));
  const Json flat = whole.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    Json part = whole;
    const Json::json_pointer place(pointer);
    part.at(place.parent_pointer()).erase(place.back());
    EXPECT_TRUE(says(usage_message([&] { run_spec_from_json(part, "spec.json"); }), "is missing"))
        << pointer;
  }
  Json more = whole;
  more["train"]["step"] = 3;
  const std::string message = usage_message([&] { run_spec_from_json(more, "spec.json"); });
  EXPECT_TRUE(says(message, "Unknown key 'train.step' in spec.json"));
  EXPECT_TRUE(says(message, "Did you mean 'train.steps'?"));
}

TEST(RunSpec, AChangeOfAnyFieldChangesTheCell) {
  const RunSpec spec = resolve(tiny_request());
  const std::string id = cell_id(spec);
  EXPECT_EQ(id.size(), 16U);
  EXPECT_EQ(id, sha256_hex(canonical_json(to_json(spec))).substr(0, 16));
  const Json flat = to_json(spec).flatten();
  for (const auto& [pointer, value] : flat.items()) {
    Json changed = flat;
    if (value.is_boolean())
      changed[pointer] = !value.get<bool>();
    else if (value.is_number())
      changed[pointer] = value.get<double>() + 1;
    else
      changed[pointer] = value.get<std::string>() + "x";
    EXPECT_NE(sha256_hex(canonical_json(changed.unflatten())).substr(0, 16), id) << pointer;
  }
}

TEST(RunSpec, APolicysDescriptionIsNoPartOfTheCell) {
  RunSpec spec = resolve(tiny_request());
  const std::string id = cell_id(spec);
  EXPECT_FALSE(spec.policy.description.empty());
  spec.policy.description = "other words";
  EXPECT_EQ(cell_id(spec), id);
}

TEST(RunSpec, WhatCannotBeIsRefused) {
  using Change = void (*)(RunSpec&);
  const std::vector<std::pair<Change, std::string>> changes = {
      {[](RunSpec& s) { s.seed = -1; }, "'seed' must be between 0 and 4294967295, got -1"},
      {[](RunSpec& s) { s.seed = std::int64_t{1} << 32; }, "got 4294967296"},
      {[](RunSpec& s) { s.train.warmup_steps = -1; }, "'train.warmup_steps' must be at least 0"},
      {[](RunSpec& s) { s.train.processes = 0; },
       "'train.processes' must be between 1 and 1024, got 0"},
      {[](RunSpec& s) { s.train.processes = 2; },
       "'train.micro_batch' = 8 in each of 'train.processes' = 2 does not divide 'train.batch' = "
       "8"},
      {[](RunSpec& s) {
         s.train.processes = 2;
         s.train.micro_batch = 4;
         s.device = "cuda:0";
       },
       "'device' = 'cuda:0' is one GPU, but 'train.processes' = 2"},
      {[](RunSpec& s) { s.train.length_buckets = -1; },
       "'train.length_buckets' must be between 0 and 64, got -1"},
      {[](RunSpec& s) { s.train.length_buckets = 65; }, "between 0 and 64, got 65"},
      {[](RunSpec& s) { s.train.micro_batch = 3; }, "does not divide 'train.batch' = 8"},
      {[](RunSpec& s) { s.train.micro_batch = 16; }, "'train.micro_batch' must be between"},
      {[](RunSpec& s) { s.train.steps = 0; }, "'train.steps' must be between 1"},
      {[](RunSpec& s) { s.train.learning_rate = 0; }, "'train.learning_rate' must be above 0"},
      {[](RunSpec& s) { s.train.beta2 = 1; }, "'train.beta2' must be at least 0 and below 1"},
      {[](RunSpec& s) { s.train.clip_norm = std::numeric_limits<double>::infinity(); }, "got inf"},
      {[](RunSpec& s) { s.train.bce_reduction = BceReduction::kSumLabels; },
       "is for multi-label scenarios"},
      {[](RunSpec& s) { s.model.heads = 3; }, "cannot be divided into 'model.heads' = 3"},
      {[](RunSpec& s) { s.model.dropout = 1; }, "'model.dropout' must be"},
      {[](RunSpec& s) { s.model.init = "scracth"; }, "Did you mean 'scratch'?"},
      {[](RunSpec& s) { s.data.length = 65; }, "'data.length' = 65 is longer than the model"},
      {[](RunSpec& s) { s.data.vocab = "v.json"; }, "only 'data.vocab' is given"},
      {[](RunSpec& s) { s.data.source = ""; }, "'data.source' must not be empty"},
      {[](RunSpec& s) { s.data.tokenizer = s.data.vocab = s.data.merges = "t.json"; },
       "'data.vocab' and 'data.merges' are given too"},
      {[](RunSpec& s) { s.data.examples = -1; }, "'data.examples' must be at least 0"},
      {[](RunSpec& s) { s.data.bytes = -1; }, "'data.bytes' must be at least 0"},
      {[](RunSpec& s) { s.data.examples = 9; }, "of the Hub, but 'data.source' is 'synthetic'"},
      {[](RunSpec& s) { s.data.bytes = 9; }, "of the Hub, but 'data.source' is 'synthetic'"},
      {[](RunSpec& s) { s.data.source = "a.jsonl"; }, "belong to the generated corpus"},
      {[](RunSpec& s) { s.objective = masked_lm(); }, "needs the architecture roberta"},
      {[](RunSpec& s) { s.model.architecture = roberta_family(); }, "needs the architecture"},
      {[](RunSpec& s) { s.device = "gpu"; }, "'device' must be cpu, cuda or cuda:N, got 'gpu'"},
      {[](RunSpec& s) { s.device = "cuda:"; }, "got 'cuda:'"},
  };
  for (const auto& [change, part] : changes) {
    RunSpec spec = resolve(tiny_request());
    validate(spec);
    change(spec);
    EXPECT_TRUE(says(usage_message([&] { validate(spec); }), part));
  }
}

TEST(RunSpec, NamesThatNothingHasAreRefusedWithTheNearest) {
  const Json whole = to_json(resolve(tiny_request()));
  const auto refusal = [&](const char* pointer, const char* name) {
    Json changed = whole;
    changed[Json::json_pointer(pointer)] = name;
    return usage_message([&] { run_spec_from_json(changed, "spec.json"); });
  };
  EXPECT_TRUE(
      says(refusal("/train/on_nonfinite", "halt"),
           "'train.on_nonfinite' must be one of stop, continue, got \"halt\" in spec.json"));
  EXPECT_TRUE(says(refusal("/engine", "refrence"), "Did you mean 'reference'?"));
  EXPECT_TRUE(
      says(refusal("/model/architecture", "llama"), "must be one of gpt2, roberta, got \"llama\""));
  EXPECT_TRUE(says(refusal("/model/architecture", "llama"), "--extension FILE.so"));
  EXPECT_TRUE(says(refusal("/objective", "multi_cl"), "Did you mean 'multi_cls'?"));
}

// Records of today's program keep their ids, and those that lack train.optimizer mean AdamW
// (ADR 0018).
TEST(RunSpec, AHistoricalValueStaysOutOfTheIdAndNoOtherDoes) {
  const RunSpec spec = resolve(tiny_request());
  EXPECT_FALSE(to_json(spec).at("train").contains("optimizer"));
  EXPECT_EQ(to_whole_json(spec).at("train").at("optimizer"), "adamw");
  EXPECT_EQ(run_spec_from_json(to_json(spec), "spec.json").train.optimizer, adamw());
  EXPECT_EQ(cell_id(to_whole_json(spec)), cell_id(spec));
  Json other = to_json(spec);
  other["train"]["optimizer"] = "another";
  EXPECT_NE(cell_id(other), cell_id(spec));
  RunSpec bucketed = spec;
  bucketed.train.length_buckets = 4;
  EXPECT_FALSE(to_json(spec).at("train").contains("length_buckets"));
  EXPECT_EQ(to_json(bucketed).at("train").at("length_buckets"), 4);
  RunSpec shared = spec;
  shared.train.processes = 2;
  shared.train.micro_batch = 4;
  EXPECT_FALSE(to_json(spec).at("train").contains("processes"));
  EXPECT_EQ(to_json(shared).at("train").at("processes"), 2);
  EXPECT_NE(cell_id(bucketed), cell_id(spec));
}

// Exceptions by module are a part of the cell; a policy without any has the id that it had.
TEST(RunSpec, ExceptionsAreAPartOfTheCellWhateverTheirOrder) {
  RunSpec spec = resolve(tiny_request("A", "fp16_naive"));
  const std::string plain = cell_id(spec);
  EXPECT_FALSE(to_json(spec).at("policy").contains("exception"));
  const auto id_with = [&](const char* exceptions) {
    Json policy = to_json(spec.policy);
    policy["exception"] = Json::parse(exceptions);
    RunSpec changed = spec;
    changed.policy = policy_from_json(policy, "mine.toml");
    const RunSpec again = run_spec_from_json(to_json(changed), "spec.json");
    EXPECT_EQ(cell_id(again), cell_id(changed));
    return cell_id(changed);
  };
  const std::string one = id_with(R"([{"module": "score"}])");
  const std::string both = id_with(R"([{"module": "score"}, {"module": "transformer.h.*"}])");
  EXPECT_EQ(both, id_with(R"([{"module": "transformer.h.*"}, {"module": "score"}])"));
  EXPECT_EQ(id_with("[]"), plain);
  EXPECT_EQ(std::set({plain, one, both}).size(), 3U);
}

TEST(RunSpec, HistoricalValuesAreDocumented) {
  const auto path = source_folder() / "docs" / "record-schema.md";
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Json whole = to_whole_json(RunSpec{}), recorded = to_json(RunSpec{}).flatten();
  const Json flat = whole.flatten();
  for (const auto& [pointer, unused] : flat.items()) {
    if (recorded.contains(pointer)) continue;
    const Json& value = whole.at(Json::json_pointer(pointer));
    std::string key = pointer.substr(1);
    std::replace(key.begin(), key.end(), '/', '.');
    EXPECT_TRUE(
        says(text, concat("| `", key, "` | `",
                          value.is_string() ? value.get<std::string>() : value.dump(), "` |")));
  }
}

// The ids that stand in the committed records, made by earlier revisions of the program.
TEST(RunSpec, CommittedRecordsKeepTheirIds) {
  int records = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(source_folder() / "docs" / "results")) {
    if (entry.path().filename() != "spec.json") continue;
    const Json recorded = read_json_file(entry.path().parent_path() / "result.json");
    EXPECT_EQ(cell_id(read_json_file(entry.path())), recorded.at("cell_id").get<std::string>())
        << entry.path();
    ++records;
  }
  EXPECT_GE(records, 70);
}

TEST(RunSpec, RobertaUsesTwoRowsOfItsPositionsLess) {
  RunSpec spec = resolve(tiny_request("B"));
  EXPECT_EQ(spec.model.positions, 66);
  spec.model.positions = 65;
  EXPECT_TRUE(says(usage_message([&] { validate(spec); }), "sequences of at most 63 tokens"));
}

}  // namespace
}  // namespace dtbench
