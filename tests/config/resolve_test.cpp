#include "config/resolve.h"

#include "config/config_files.h"
#include "config/support.h"

namespace dtbench {
namespace {

ResolveRequest base_request(const std::string& scenario) {
  ResolveRequest request = tiny_request(scenario);
  request.preset = "";
  request.command_line = {flag("data.source", "x.jsonl"), flag("data.vocab", "vocab.json"),
                          flag("data.merges", "merges.txt")};
  return request;
}

std::string refusal(const ResolveRequest& request) {
  return usage_message([&] { resolve(request); });
}

// The contract's table of scenarios and its learning rates.
TEST(Resolve, ScenariosAtBaseAreTheContracts) {
  struct Row {
    std::string scenario, architecture, objective;
    std::int64_t length, positions;
    double pretrained, scratch;
  };
  for (const Row& row : {
           Row{"A", "gpt2", "clm", 1024, 1024, 5e-5, 6e-4},
           Row{"B", "roberta", "mlm", 512, 514, 5e-5, 6e-4},
           Row{"C", "gpt2", "multi_cls", 512, 1024, 3e-5, 3e-4},
           Row{"D", "roberta", "multi_cls", 512, 514, 3e-5, 3e-4},
           Row{"E", "gpt2", "single_cls", 512, 1024, 3e-5, 3e-4},
           Row{"F", "roberta", "single_cls", 512, 514, 3e-5, 3e-4},
       }) {
    ResolveRequest request = base_request(row.scenario);
    const RunSpec spec = resolve(request);
    EXPECT_EQ(spec.scenario, row.scenario);
    EXPECT_EQ(spec.preset, "base");
    EXPECT_EQ(to_string(spec.model.architecture), row.architecture);
    EXPECT_EQ(to_string(spec.objective), row.objective);
    EXPECT_EQ(spec.data.length, row.length);
    EXPECT_EQ(spec.model.positions, row.positions);
    EXPECT_EQ(spec.model.layers, 12);
    EXPECT_EQ(spec.model.width, 768);
    EXPECT_EQ(spec.model.heads, 12);
    EXPECT_EQ(spec.model.init, row.architecture == "gpt2"
                                   ? "hf://openai-community/gpt2/model.safetensors"
                                   : "hf://FacebookAI/roberta-base/model.safetensors");
    EXPECT_EQ(spec.train.batch, 32);
    EXPECT_EQ(spec.train.micro_batch, 32);
    EXPECT_EQ(spec.train.steps, 1000);
    EXPECT_EQ(spec.train.warmup_steps, 100);
    EXPECT_EQ(spec.train.learning_rate, row.pretrained);
    EXPECT_EQ(spec.data.synthetic_documents, 0);
    request.command_line.push_back(flag("model.init", "scratch"));
    EXPECT_EQ(resolve(request).train.learning_rate, row.scratch);
    request.command_line.back() = flag("model.init", "weights.safetensors");
    EXPECT_EQ(resolve(request).train.learning_rate, row.pretrained);
  }
}

TEST(Resolve, Tiny) {
  for (const char* scenario : {"A", "B", "C", "D", "E", "F"}) {
    const RunSpec spec = resolve(tiny_request(scenario));
    EXPECT_EQ(spec.model.layers, 2);
    EXPECT_EQ(spec.model.width, 128);
    EXPECT_EQ(spec.model.heads, 2);
    EXPECT_EQ(spec.model.init, "scratch");
    EXPECT_EQ(spec.model.positions, spec.model.architecture == gpt2_family() ? 64 : 66);
    EXPECT_EQ(spec.data.length, 64);
    EXPECT_EQ(spec.data.source, "synthetic");
    EXPECT_EQ(spec.data.synthetic_labels, 32);
    EXPECT_EQ(spec.train.batch, 8);
    EXPECT_EQ(spec.train.steps, 30);
    EXPECT_EQ(spec.train.warmup_steps, 3);
  }
}

// A cell of more steps is the same cell for longer: nothing else follows from their number.
TEST(Resolve, OnlyTheStepsDifferBetweenLengths) {
  for (const char* preset : {"tiny", "small", "base"}) {
    ResolveRequest request = tiny_request("A");
    request.preset = preset;
    request.command_line = {flag("train.steps", "7")};
    RunSpec shorter = resolve(request);
    request.command_line = {flag("train.steps", "5000")};
    const RunSpec longer = resolve(request);
    shorter.train.steps = 5000;
    EXPECT_EQ(cell_id(shorter), cell_id(longer)) << preset;
  }
}

// The contract's data sets, a part of the larger one, and the published tokenizers.
TEST(Resolve, SmallAndBaseTakeThePublishedDataAndTokenizers) {
  for (const char* preset : {"small", "base"}) {
    const auto data_of = [&](const std::string& scenario) {
      ResolveRequest request = tiny_request(scenario);
      request.preset = preset;
      return resolve(request).data;
    };
    const DataSpec gpt2 = data_of("A");
    EXPECT_EQ(gpt2.source, "hf://datasets/Skylion007/openwebtext@~parquet");
    EXPECT_EQ(gpt2.examples, 40000);
    EXPECT_EQ(gpt2.tokenizer, "hf://openai-community/gpt2/tokenizer.json");
    const DataSpec roberta = data_of("D");
    EXPECT_EQ(roberta.source, "hf://datasets/coastalcph/lex_glue/eurlex");
    EXPECT_EQ(roberta.examples, 0);
    EXPECT_EQ(roberta.tokenizer, "hf://FacebookAI/roberta-base/tokenizer.json");
  }
}

TEST(Resolve, WhatAScenarioTakesOfItsDataSetSaysNothingAboutAnother) {
  ResolveRequest request = tiny_request("A");
  request.preset = "small";
  request.command_line = {flag("data.examples", "70")};
  EXPECT_EQ(resolve(request).data.examples, 70);
  request.command_line = {flag("data.source", "x.jsonl")};
  EXPECT_EQ(resolve(request).data.examples, 0);
  request.command_line.push_back(flag("data.examples", "70"));
  EXPECT_EQ(resolve(request).data.examples, 70);
}

TEST(Resolve, AVocabularyTakesThePlaceOfThePresetsTokenizer) {
  ResolveRequest request = tiny_request("A");
  request.preset = "small";
  request.command_line = {flag("data.vocab", "v.json"), flag("data.merges", "m.txt")};
  EXPECT_EQ(resolve(request).data.tokenizer, "");
  request.command_line.pop_back();
  EXPECT_TRUE(says(refusal(request), "only 'data.vocab' is given"));
  request.command_line = {flag("data.tokenizer", "t.json")};
  EXPECT_EQ(resolve(request).data.tokenizer, "t.json");
}

TEST(Resolve, PretrainedAtAnyPreset) {
  ResolveRequest request = tiny_request("B");
  request.command_line = {flag("model.init", "pretrained"), flag("data.tokenizer", "pretrained")};
  const RunSpec spec = resolve(request);
  EXPECT_EQ(spec.model.init, "hf://FacebookAI/roberta-base/model.safetensors");
  EXPECT_EQ(spec.data.tokenizer, "hf://FacebookAI/roberta-base/tokenizer.json");
  EXPECT_EQ(spec.train.learning_rate, 5e-5);
}

TEST(Resolve, CommandLineBeatsEnvironmentBeatsFileBeatsPreset) {
  const TemporaryFolder folder;
  ResolveRequest request = tiny_request();
  EXPECT_EQ(resolve(request).train.steps, 30);
  request.file = folder.write("run.toml", "seed = 5\n[train]\nsteps = 40\n");
  EXPECT_EQ(resolve(request).train.steps, 40);
  request.environment = {{"train.steps", "50", "DTBENCH_TRAIN_STEPS"}};
  EXPECT_EQ(resolve(request).train.steps, 50);
  request.command_line = {flag("train.steps", "60")};
  EXPECT_EQ(resolve(request).train.steps, 60);
  EXPECT_EQ(resolve(request).seed, 5);
}

TEST(Resolve, ScenarioPolicyAndPresetHaveTheSamePrecedence) {
  const TemporaryFolder folder;
  ResolveRequest request;
  request.configs = source_configs();
  request.file =
      folder.write("run.toml", "scenario = \"C\"\npolicy = \"bf16_pure\"\npreset = \"tiny\"\n");
  EXPECT_EQ(resolve(request).policy.name, "bf16_pure");
  EXPECT_EQ(resolve(request).scenario, "C");
  request.environment = {{"policy", "amp_bf16", "DTBENCH_POLICY"}};
  EXPECT_EQ(resolve(request).policy.name, "amp_bf16");
  request.command_line = {flag("policy", "fp16_naive")};
  EXPECT_EQ(resolve(request).policy.name, "fp16_naive");
  request.policy = "fp32_true";
  EXPECT_EQ(resolve(request).policy.name, "fp32_true");
}

TEST(Resolve, WhatFollowsFromOtherSettings) {
  ResolveRequest request = tiny_request("B");
  request.command_line = {flag("data.length", "32"), flag("train.batch", "6"),
                          flag("train.steps", "5000")};
  RunSpec spec = resolve(request);
  EXPECT_EQ(spec.model.positions, 34);
  EXPECT_EQ(spec.train.micro_batch, 6);
  request.command_line.push_back(flag("train.warmup_steps", "0"));
  request.command_line.push_back(flag("train.micro_batch", "2"));
  request.command_line.push_back(flag("train.learning_rate", "1e-3"));
  spec = resolve(request);
  EXPECT_EQ(spec.train.warmup_steps, 0);
  EXPECT_EQ(spec.train.micro_batch, 2);
  EXPECT_EQ(spec.train.learning_rate, 1e-3);
}

TEST(Resolve, EachProcessTakesItsPartOfTheBatchAsOneMicroBatch) {
  ResolveRequest request = tiny_request();
  request.environment.push_back({"train.processes", "4", "WORLD_SIZE"});
  RunSpec spec = resolve(request);
  EXPECT_EQ(spec.train.processes, 4);
  EXPECT_EQ(spec.train.micro_batch, 2);
  request.command_line.push_back(flag("train.batch", "6"));
  EXPECT_TRUE(says(usage_message([&] { resolve(request); }), "does not divide 'train.batch' = 6"));
}

TEST(Resolve, AFileAsSourceHasNoSyntheticSize) {
  ResolveRequest request = tiny_request();
  request.command_line = {flag("data.source", "x.jsonl")};
  EXPECT_EQ(resolve(request).data.synthetic_documents, 0);
  request.command_line.push_back(flag("data.synthetic_documents", "100"));
  EXPECT_TRUE(says(refusal(request), "belong to the generated corpus"));
}

TEST(Resolve, UnknownNamesAndKeysSuggestTheNearestAndNameTheirOrigin) {
  const TemporaryFolder folder;
  EXPECT_TRUE(says(refusal(tiny_request("G")), "Unknown scenario 'G'"));
  EXPECT_TRUE(says(refusal(tiny_request("A", "amp_b16")), "Did you mean 'amp_bf16'?"));
  EXPECT_TRUE(says(refusal(tiny_request("")), "No scenario is given"));
  ResolveRequest request = tiny_request();
  request.preset = "tinny";
  EXPECT_TRUE(says(refusal(request), "Did you mean 'tiny'?"));

  request = tiny_request();
  request.command_line = {flag("train.step", "3")};
  EXPECT_TRUE(says(refusal(request), "Unknown key 'train.step' in --set train.step"));
  EXPECT_TRUE(says(refusal(request), "Did you mean 'train.steps'?"));
  request.command_line = {flag("policy.epsilon", "1")};
  EXPECT_TRUE(says(refusal(request), "a policy is one value"));
  request.command_line = {flag("objective", "mlm")};
  EXPECT_TRUE(says(refusal(request), "is fixed by the scenario"));

  request = tiny_request();
  request.file = folder.write("run.toml", "[trian]\nsteps = 3\n");
  EXPECT_TRUE(says(refusal(request), "Unknown key 'trian'"));
  EXPECT_TRUE(says(refusal(request), "run.toml"));
  request.file = folder.write("run.toml", "[train]\nsetps = 3\n");
  EXPECT_TRUE(says(refusal(request), "Did you mean 'train.steps'?"));
}

// In the fuzzers' corpora, too.
TEST(Resolve, ScenarioFilesSetFieldsAlone) {
  const TemporaryFolder folder;
  const auto refusal_of = [&](const std::string& text) {
    ResolveRequest request = tiny_request(folder.write("mine.toml", text).string());
    return usage_message([&] { resolve(request); });
  };
  EXPECT_TRUE(says(refusal_of("policy = 'tf32'\n"), "'policy' in"));
  EXPECT_TRUE(says(refusal_of("'' = 1\n"), "Unknown key ''"));
  EXPECT_TRUE(says(refusal_of("'train.' = 3\n"), "Unknown key 'train.'"));
}

TEST(Resolve, ALengthBeyondIntegersIsRefusedByItsName) {
  ResolveRequest request = tiny_request("B");
  request.command_line = {flag("data.length", "9223372036854775807")};
  EXPECT_TRUE(says(usage_message([&] { resolve(request); }), "'data.length'"));
}

TEST(Resolve, ValuesOfTheWrongKindNameTheirOrigin) {
  const TemporaryFolder folder;
  ResolveRequest request = tiny_request();
  request.command_line = {{"train.steps", "many", "--steps"}};
  EXPECT_TRUE(
      says(refusal(request), "'train.steps' must be a whole number, got \"many\" in --steps"));
  request.command_line = {{"train.steps", "3.5", "--steps"}};
  EXPECT_TRUE(says(refusal(request), "a whole number, got \"3.5\""));
  request.command_line = {{"train.learning_rate", "1e-3x", "--lr"}};
  EXPECT_TRUE(says(refusal(request), "a number, got \"1e-3x\" in --lr"));
  request.command_line.clear();
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
           {"train = 3\n", "'train' must be a table"},
           {"[train]\nsteps = \"3\"\n", "'train.steps' must be a whole number, got \"3\""},
           {"[train]\nsteps = 3.0\n", "a whole number"},
           {"[train]\nlearning_rate = { scrtach = 1.0 }\n", "Did you mean 'scratch'?"},
           {"\"a~b\" = 3\n", "Unknown key 'a~b'"},
           {"[train]\n\"a/b\" = 3\n", "Unknown key 'train.a/b'"},
           {"[train.steps]\nx = 3\n", "'train.steps' must be a whole number"},
           {"policy = 3\n", "'policy' must be text"},
           {"seed = 1979-05-27\n", "line 1: a date or time is not a setting"},
           {"[train\n", "line 1, column"},
       }) {
    request.file = folder.write("run.toml", text);
    EXPECT_TRUE(says(refusal(request), part)) << text;
  }
}

TEST(Resolve, EnvironmentVariables) {
  std::vector<std::string> entries = {"HOME=/", "DTBENCH_TRAIN_STEPS=7", "DTBENCH_CACHE=/x",
                                      "DTBENCH_DATA_LABEL_FIELD=level_1", "DTBENCH_SEED=3"};
  const auto read = [&] {
    std::vector<char*> environment;
    for (std::string& entry : entries)
      environment.push_back(entry.data());
    environment.push_back(nullptr);
    return settings_from_environment(environment.data());
  };
  const std::vector<Setting> settings = read();
  ASSERT_EQ(settings.size(), 3U);
  EXPECT_EQ(settings[0].key, "train.steps");
  EXPECT_EQ(settings[0].value, "7");
  EXPECT_EQ(settings[0].origin, "DTBENCH_TRAIN_STEPS");
  EXPECT_EQ(settings[1].key, "data.label_field");
  EXPECT_EQ(settings[2].key, "seed");
  entries.emplace_back("DTBENCH_TRAIN_STPES=7");
  const std::string message = usage_message(read);
  EXPECT_TRUE(says(message, "Unknown environment variable 'DTBENCH_TRAIN_STPES'"));
  EXPECT_TRUE(says(message, "Did you mean 'DTBENCH_TRAIN_STEPS'?"));
}

TEST(Resolve, ScenarioOfArchitectureAndTask) {
  EXPECT_EQ(scenario_of(source_configs(), "gpt2", "clm"), "A");
  EXPECT_EQ(scenario_of(source_configs(), "roberta", "mlm"), "B");
  EXPECT_EQ(scenario_of(source_configs(), "gpt2", "multi_cls"), "C");
  EXPECT_EQ(scenario_of(source_configs(), "roberta", "single_cls"), "F");
  EXPECT_TRUE(
      says(usage_message([] { scenario_of(source_configs(), "gpt2", "mlm"); }), "roberta mlm (B)"));
}

}  // namespace
}  // namespace dtbench
