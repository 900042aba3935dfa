#include "config/policy.h"

#include <set>

#include "config/support.h"
#include "config/write_policy.h"

namespace dtbench {
namespace {

Json file(const std::string& text) {
  Json json = Json::parse(text);
  json["name"] = "mine";
  return json;
}

std::string refusal(const std::string& text) {
  return usage_message([&] { policy_from_json(file(text), "mine.toml"); });
}

// The contract's table of policies, column by column.
TEST(Policy, TheSixAreTheContractsTable) {
  struct Row {
    std::string name, weights, compute, rules, states, embedding_states;
    bool master, scaling;
  };
  for (const Row& row : {
           Row{"fp32_true", "fp32", "fp32", "none", "fp32", "fp32", false, false},
           Row{"amp_fp16", "fp32", "fp16", "cuda", "fp32", "fp32", true, true},
           Row{"amp_bf16", "fp32", "bf16", "cuda", "fp32", "fp32", true, false},
           Row{"fp16_naive", "fp16", "fp16", "none", "fp16", "fp16", false, false},
           Row{"bf16_pure", "bf16", "bf16", "none", "bf16", "bf16", false, false},
           Row{"amp_bf16_8bit", "fp32", "bf16", "cuda", "blockwise_8bit", "fp32", true, false},
       }) {
    const DtypePolicy policy = load_policy(source_configs(), row.name);
    EXPECT_EQ(policy.name, row.name);
    EXPECT_EQ(to_string(policy.parameters), row.weights) << row.name;
    EXPECT_EQ(to_string(policy.compute), row.compute) << row.name;
    EXPECT_EQ(to_string(policy.autocast_rules), row.rules) << row.name;
    EXPECT_EQ(to_string(policy.gradients), row.weights) << row.name;
    EXPECT_EQ(to_string(policy.optimizer_states), row.states) << row.name;
    EXPECT_EQ(to_string(policy.embedding_states), row.embedding_states) << row.name;
    EXPECT_EQ(has_master_weights(policy), row.master) << row.name;
    EXPECT_EQ(policy.loss_scaling, row.scaling) << row.name;
    EXPECT_EQ(policy.optimizer_arithmetic, OptimizerArithmetic::kFused) << row.name;
    EXPECT_EQ(policy.epsilon, 1e-8) << row.name;
    EXPECT_FALSE(policy.tf32) << row.name;
    EXPECT_FALSE(policy.description.empty()) << row.name;
  }
  const DynamicLossScale scale = load_policy(source_configs(), "amp_fp16").loss_scale;
  EXPECT_EQ(scale.initial, 65536);
  EXPECT_EQ(scale.growth_factor, 2);
  EXPECT_EQ(scale.backoff_factor, 0.5);
  EXPECT_EQ(scale.growth_interval, 2000);
}

// Each control differs from what it controls in the named fields and in no other.
TEST(Policy, EachControlChangesOneThing) {
  struct Row {
    std::string control, base;
    std::set<std::string> fields;
  };
  for (const Row& row : {
           Row{"tf32", "fp32_true", {"tf32"}},
           Row{"fp16_naive_foreach", "fp16_naive", {"optimizer_arithmetic"}},
           Row{"fp16_naive_eps", "fp16_naive", {"epsilon"}},
           Row{"fp16_naive_fp32states", "fp16_naive", {"optimizer_states", "embedding_states"}},
           Row{"fp16_scaled", "fp16_naive", {"loss_scaling"}},
           Row{"amp_fp16_noscale", "amp_fp16", {"loss_scaling"}},
           Row{"bf16_pure_foreach", "bf16_pure", {"optimizer_arithmetic"}},
           Row{"bf16_stochastic", "bf16_pure", {"update_rounding"}},
           Row{"bf16_kahan", "bf16_pure", {"update_rounding"}},
           Row{"fp32_perturbed", "fp32_true", {"perturb_initial_ulp"}},
       }) {
    const Json control = to_json(load_policy(source_configs(), row.control));
    const Json base = to_json(load_policy(source_configs(), row.base));
    std::set<std::string> changed;
    for (const auto& [key, value] : control.items())
      if (value != base.at(key)) changed.insert(key);
    changed.erase("name");
    changed.erase("description");
    EXPECT_EQ(changed, row.fields) << row.control;
  }
  EXPECT_EQ(policy_names(source_configs()).size(), 16U);
}

TEST(Policy, OneDatatypeIsEnough) {
  const DtypePolicy policy = policy_from_json(file(R"({"parameters": "fp64"})"), "mine.toml");
  EXPECT_EQ(policy.compute, Dtype::kFloat64);
  EXPECT_EQ(policy.gradients, Dtype::kFloat64);
  EXPECT_EQ(policy.optimizer_states, StateFormat::kFloat64);
  EXPECT_EQ(policy.embedding_states, StateFormat::kFloat64);
}

TEST(Policy, JsonAndBack) {
  for (const std::string& name : policy_names(source_configs())) {
    const DtypePolicy policy = load_policy(source_configs(), name);
    EXPECT_EQ(to_json(policy_from_json(to_json(policy), name)), to_json(policy));
  }
}

TEST(Policy, AFileWithExceptionsIsReadAndWritten) {
  const TemporaryFolder folder;
  const auto path = folder.write("mine.toml",
                                 "parameters = \"fp16\"\n"
                                 "[[exception]]\nmodule = \"transformer.h.*.ln_2\"\n"
                                 "[[exception]]\nmodule = \"lm_head\"\ncompute = \"fp32\"\n");
  const DtypePolicy policy = load_policy(source_configs(), path);
  ASSERT_EQ(policy.exceptions.size(), 2U);
  EXPECT_EQ(policy.exceptions[0].module, "lm_head");
  EXPECT_EQ(policy.exceptions[1].module, "transformer.h.*.ln_2");
  const auto written = folder.write("mine.toml", policy_toml(policy));
  EXPECT_EQ(to_json(load_policy(source_configs(), written)), to_json(policy));
  const std::string unknown = refusal(R"({"exception": [{"modul": "lm_head"}]})");
  EXPECT_TRUE(says(unknown, "Unknown key 'exception[0].modul' in mine.toml"));
  EXPECT_TRUE(says(refusal(R"({"exception": {"module": "h"}})"), "'exception' must be a list"));
}

TEST(Policy, APathToAFileOfOnesOwn) {
  const TemporaryFolder folder;
  const auto path = folder.write("double.toml", "parameters = \"fp64\"\n");
  EXPECT_EQ(load_policy(source_configs(), path).name, "double");
}

TEST(Policy, UnknownNamesKeysAndValuesSuggestTheNearest) {
  const std::string name = usage_message([] { load_policy(source_configs(), "bf16_pur"); });
  EXPECT_TRUE(says(name, "Unknown policy 'bf16_pur'"));
  EXPECT_TRUE(says(name, "Did you mean 'bf16_pure'?"));
  const std::string key = refusal(R"({"paramters": "fp16"})");
  EXPECT_TRUE(says(key, "Unknown key 'paramters' in mine.toml"));
  EXPECT_TRUE(says(key, "Did you mean 'parameters'?"));
  const std::string nested = refusal(R"({"loss_scale": {"initail": 1024}})");
  EXPECT_TRUE(says(nested, "Unknown key 'loss_scale.initail'"));
  EXPECT_TRUE(says(nested, "Did you mean 'loss_scale.initial'?"));
  const std::string value = refusal(R"({"parameters": "fp31"})");
  EXPECT_TRUE(says(value, "'parameters' must be one of fp64, fp32, bf16, fp16, got \"fp31\""));
  EXPECT_TRUE(says(value, "Did you mean 'fp32'?"));
  EXPECT_TRUE(says(refusal(R"({"tf32": 1})"), "'tf32' must be true or false, got 1 in mine.toml"));
}

TEST(Policy, NumbersOutOfRangeAreRefused) {
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
           {R"({"epsilon": -1.0})", "'epsilon' must be at least 0, got -1 in mine.toml"},
           {R"({"perturb_initial_ulp": 1025})", "between 0 and 1024, got 1025"},
           {R"({"parameters": "fp16", "loss_scaling": true, "loss_scale": {"backoff_factor": 2}})",
            "'loss_scale.backoff_factor' must be above 0 and below 1, got 2 in mine.toml"},
           {R"({"parameters": "fp16", "loss_scaling": true, "loss_scale": {"growth_factor": 1}})",
            "must be above 1, got 1"},
           {R"({"parameters": "fp16", "loss_scaling": true, "loss_scale": {"initial": 1e60}})",
            "must be between 1 and 3.40282e+38, got 1e+60"},
       })
    EXPECT_TRUE(says(refusal(text), part)) << refusal(text);
}

TEST(Policy, ContradictionsAreRefused) {
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
           {R"({"parameters": "bf16", "loss_scaling": true})", "loss_scaling = true"},
           {R"({"loss_scale": {"initial": 1024}})", "loss_scaling = false"},
           {R"({"parameters": "bf16", "update_rounding": "stochastic",
                "optimizer_states": "blockwise_8bit"})",
            "8-bit optimizer states"},
           {R"({"update_rounding": "kahan"})", "16-bit weights"},
           {R"({"parameters": "bf16", "update_rounding": "kahan",
                "optimizer_arithmetic": "foreach"})",
            "foreach"},
           {R"({"parameters": "fp16", "optimizer_states": "fp32",
                "optimizer_arithmetic": "foreach"})",
            "needs one datatype"},
           {R"({"parameters": "fp16", "update_rounding": "stochastic"})", "rounds to bf16"},
           {R"({"parameters": "fp16", "loss_scaling": true,
                "optimizer_arithmetic": "foreach"})",
            "unscales inside the update"},
           {R"({"compute": "bf16"})", "without mixed precision"},
           {R"({"autocast_rules": "cuda"})", "mixed precision"},
           {R"({"parameters": "bf16", "tf32": true})", "tf32 = true"},
           {R"({"gradients": "bf16"})", "gradients = \"bf16\""},
           {R"({"parameters": "fp64", "optimizer_states": "fp32"})", "fp64 is set for only some"},
           {R"({"parameters": "bf16", "perturb_initial_ulp": 1})", "moves fp32 weights"},
           {R"({"parameters": "fp16", "exception": [{"module": "h..0"}]})", "names no module"},
           {R"({"parameters": "fp16", "exception": [{"compute": "fp32"}]})", "names no module"},
           {R"({"parameters": "fp16", "exception": [{"module": "h", "compute": "bf16"}]})",
            "has compute = \"bf16\""},
           {R"({"parameters": "fp32", "exception": [{"module": "h"}]})",
            "no module computes in less"},
           {R"({"parameters": "fp64", "exception": [{"module": "h"}]})",
            "no module computes in less"},
           {R"({"parameters": "fp32", "tf32": true, "exception": [{"module": "h"}]})",
            "no module computes in less"},
           {R"({"parameters": "fp16", "exception": [{"module": "h"}, {"module": "h"}]})",
            "two exceptions are for 'h'"},
       }) {
    const std::string message = refusal(text);
    EXPECT_TRUE(says(message, "Policy 'mine' in mine.toml contradicts itself")) << text;
    EXPECT_TRUE(says(message, part)) << text;
    EXPECT_TRUE(says(message, "\n  try: ")) << text;
  }
}

}  // namespace
}  // namespace dtbench
