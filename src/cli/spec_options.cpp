#include "cli/spec_options.h"

#include <unistd.h>

#include <array>

#include "base/error.h"
#include "base/places.h"
#include "base/table.h"
#include "base/text.h"
#include "config/config_files.h"

namespace dtbench {
namespace {

void list_configs(ConfigKind kind, const char* title, std::string& text) {
  const std::filesystem::path configs = configs_folder();
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : config_names(configs, kind))
    rows.push_back(
        {"  " + name, load_config(configs, kind, name).content.value("description", "")});
  text += concat(title, "\n", aligned(rows));
}

}  // namespace

void SpecOptions::add_to(CLI::App& command, const std::vector<SpecFlag>& flags) {
  given_.reserve(flags.size());  // options point into it
  for (const SpecFlag& flag : flags) {
    Given& given = given_.emplace_back(Given{flag, nullptr, ""});
    given.option = command.add_option(flag.flag, given.value, flag.help);
  }
  command.add_option("--config", file_, "TOML file with settings");
  command
      .add_option("--set", set_, "set any setting, as KEY=VALUE (train.warmup_steps=5); repeatable")
      ->allow_extra_args(false);
}

void SpecOptions::add_scenario(CLI::App& command) {
  command.add_option("--scenario", scenario, "A to F (see below), or a .toml file");
}

void SpecOptions::add_policy(CLI::App& command) {
  command.add_option("--policy", policy,
                     "policy name ('dtbench policies' lists them) or .toml file");
}

void SpecOptions::add_preset(CLI::App& command) {
  command.add_option("--preset", preset, "tiny, small or base (default: base); see below");
}

ResolveRequest SpecOptions::request() const {
  ResolveRequest request;
  request.configs = configs_folder();
  request.scenario = scenario;
  request.policy = policy;
  request.preset = preset;
  request.file = file_;
  request.environment = settings_from_environment(environ);
  for (const std::string& setting : set_) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos)
      throw usage_error(concat("--set needs KEY=VALUE, got '", setting, "'."),
                        "--set train.warmup_steps=5");
    request.command_line.push_back(
        {setting.substr(0, equals), setting.substr(equals + 1), "--set " + setting});
  }
  for (const Given& given : given_)
    if (given.option->count() > 0)
      request.command_line.push_back({given.flag.key, given.value, given.flag.flag});
  return request;
}

std::vector<SpecFlag> cell_flags(Spelling spelling) {
  struct Spelled {
    const char* specification;  // the specification's own name for the flag
    SpecFlag flag;
  };
  constexpr std::array kFlags = {
      Spelled{"--max_steps", {"--steps", "train.steps", "training steps"}},
      Spelled{"--batch_size", {"--batch", "train.batch", "global batch size, in samples"}},
      Spelled{"--micro_batch",
              {"--micro-batch", "train.micro_batch",
               "samples per micro-batch; must divide the global batch"}},
      Spelled{"--seq_len", {"--length", "data.length", "tokens per sequence"}},
      Spelled{"--lr", {"--lr", "train.learning_rate", "learning rate after warm-up"}},
      Spelled{"--seed", {"--seed", "seed", "seed for weights, data order, masks and dropout"}},
      Spelled{
          "--init",
          {"--init", "model.init",
           "scratch, pretrained (published weights), a .safetensors file or index, or hf://..."}},
      Spelled{"--device", {"--device", "device", "cpu, cuda or cuda:N"}},
      Spelled{"--on_nonfinite",
              {"--on-nonfinite", "train.on_nonfinite",
               "what to do at the first NaN or infinity: stop or continue"}}};
  std::vector<SpecFlag> flags;
  for (const Spelled& each : kFlags) {
    flags.push_back(each.flag);
    if (spelling == Spelling::kSpecification) flags.back().flag = each.specification;
  }
  const std::vector<SpecFlag> data = data_file_flags();
  flags.insert(flags.end(), data.begin(), data.end());
  return flags;
}

std::vector<SpecFlag> data_file_flags() {
  return {
      {"--data", "data.source",
       "'synthetic', a .parquet or .jsonl[.gz] file or folder, or hf://..."},
      {"--data-examples", "data.examples", "use only the first N documents of each split (0: all)"},
      {"--data-bytes", "data.bytes", "use at most N bytes of text per split (0: all)"},
      {"--tokenizer", "data.tokenizer",
       "a tokenizer.json, pretrained (the published tokenizer), or hf://..."},
      {"--vocab", "data.vocab", "the tokenizer's vocab.json, with --merges"},
      {"--merges", "data.merges", "the tokenizer's merges.txt, with --vocab"},
      {"--text-field", "data.text_field", "field with a document's text"},
      {"--label-field", "data.label_field", "field with a document's label or labels"}};
}

std::vector<SpecFlag> data_flags() {
  std::vector<SpecFlag> flags = data_file_flags();
  flags.push_back({"--length", "data.length", "tokens per sequence"});
  return flags;
}

std::string scenarios_and_presets() {
  std::string text;
  try {
    list_configs(ConfigKind::kScenario, "Scenarios:", text);
    list_configs(ConfigKind::kPreset, "Presets:", text);
  } catch (const Error& error) {
    return error.what();  // help must be had without them too
  }
  text.pop_back();  // the formatter ends the line
  return text;
}

}  // namespace dtbench
