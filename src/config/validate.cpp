#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "config/hub_address.h"
#include "config/run_spec.h"

namespace dtbench {
namespace {

void require(bool holds, const std::string& message, const std::string& hint = "") {
  if (!holds) throw usage_error(message, hint);
}

void require_between(const char* field, std::int64_t value, std::int64_t low, std::int64_t high) {
  require(value >= low && value <= high,
          concat("'", field, "' must be between ", low, " and ", high, ", got ", value, "."));
}

void require_number(bool holds, const char* field, double value, const char* expected) {
  require(holds && std::isfinite(value),
          concat("'", field, "' must be ", expected, ", got ", value, "."));
}

void require_one_of(const char* field, const std::string& value,
                    const std::vector<std::string>& known) {
  require(std::find(known.begin(), known.end(), value) != known.end(),
          concat("'", field, "' must be one of ", join(known, ", "), ", got '", value, "'."),
          suggestion(value, known));
}

void validate_model(const RunSpec& spec) {
  const ModelSpec& model = spec.model;
  require_between("model.layers", model.layers, 1, 1000);
  require_between("model.width", model.width, 1, 65536);
  require_between("model.heads", model.heads, 1, model.width);
  require(model.width % model.heads == 0,
          concat("'model.width' = ", model.width,
                 " cannot be divided into 'model.heads' = ", model.heads, " equal parts."));
  require_between("model.positions", model.positions, 1, std::int64_t{1} << 24);
  require_number(model.dropout >= 0 && model.dropout < 1, "model.dropout", model.dropout,
                 "at least 0 and below 1");
  require_number(model.layer_norm_epsilon > 0, "model.layer_norm_epsilon", model.layer_norm_epsilon,
                 "above 0");
  if (!model.init.ends_with(".safetensors"))
    require_one_of("model.init", model.init, {"scratch", "pretrained", "FILE.safetensors"});
  if (is_hub_address(model.init)) parse_hub_address(model.init, "model.init");
  const bool gpt2 = model.architecture == Architecture::kGpt2;
  require(spec.objective != Objective::kCausalLm || gpt2,
          "The objective clm (causal language model) needs the architecture gpt2.",
          "Use mlm with roberta.");
  require(spec.objective != Objective::kMaskedLm || !gpt2,
          "The objective mlm (masked language model) needs the architecture roberta.",
          "Use clm with gpt2.");
}

// Language models: a token and the one it predicts. RoBERTa puts <s> and </s> around a document.
std::int64_t shortest_length(const RunSpec& spec) {
  if (is_language_model(spec.objective)) return 2;
  return spec.model.architecture == Architecture::kRoberta ? 3 : 1;
}

void validate_length(const RunSpec& spec) {
  const bool roberta = spec.model.architecture == Architecture::kRoberta;
  // RoBERTa numbers positions from padding_idx + 1 = 2, so two rows of its table go unused.
  const std::int64_t longest = spec.model.positions - (roberta ? 2 : 0);
  require_between("data.length", spec.data.length, shortest_length(spec), std::int64_t{1} << 24);
  require(
      spec.data.length <= longest,
      concat("'data.length' = ", spec.data.length, " is longer than the model: 'model.positions'",
             " = ", spec.model.positions, " allow sequences of at most ", longest, " tokens."),
      concat("--length ", longest, ", or, for weights from scratch, --set model.positions=",
             spec.data.length + (roberta ? 2 : 0), "."));
}

void validate_data(const RunSpec& spec) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const DataSpec& data = spec.data;
  const bool synthetic = data.source == "synthetic";
  require(!data.source.empty(), "'data.source' must not be empty.");
  if (is_hub_address(data.source))
    require(parse_hub_address(data.source, "data.source").dataset,
            concat("'data.source' must be a data set, got '", data.source, "', a model's address."),
            concat("--data hf://datasets/", data.source.substr(5)));
  if (is_hub_address(data.tokenizer)) parse_hub_address(data.tokenizer, "data.tokenizer");
  require(data.vocab.empty() == data.merges.empty(),
          concat("A tokenizer needs a vocabulary and its merges, but only '",
                 data.vocab.empty() ? "data.merges" : "data.vocab", "' is given."),
          "Give both from the same tokenizer: --vocab vocab.json --merges merges.txt.");
  require(data.tokenizer.empty() || data.vocab.empty(),
          "'data.tokenizer' already holds a vocabulary and its merges, but 'data.vocab' and "
          "'data.merges' are given too.",
          "Give only --tokenizer tokenizer.json.");
  require_between("data.examples", data.examples, 0, kMost);
  require_between("data.bytes", data.bytes, 0, kMost);
  validate_length(spec);
  if (!synthetic) {
    require(
        data.synthetic_documents == 0 && data.synthetic_labels == 0,
        concat("'data.synthetic_documents' and 'data.synthetic_labels' belong to the generated ",
               "corpus, but 'data.source' is '", data.source, "'."));
    return;
  }
  require(data.examples == 0 && data.bytes == 0,
          "'data.examples' and 'data.bytes' apply to files and data sets of the Hub, but "
          "'data.source' is 'synthetic'.",
          "Use --set data.synthetic_documents=N.");
  // Every 20th document is for validation, and both splits need one.
  require_between("data.synthetic_documents", data.synthetic_documents, 20, 100'000'000);
  require_between("data.synthetic_labels", data.synthetic_labels,
                  is_language_model(spec.objective) ? 0 : 2, 100'000);
}

void validate_train(const RunSpec& spec) {
  const TrainSpec& train = spec.train;
  // Steps and batch positions are 32-bit words of the generators' counters.
  require_between("train.steps", train.steps, 1, std::numeric_limits<std::int32_t>::max());
  require_between("train.batch", train.batch, 1, std::int64_t{1} << 20);
  require_between("train.micro_batch", train.micro_batch, 1, train.batch);
  require(train.batch % train.micro_batch == 0,
          concat("'train.micro_batch' = ", train.micro_batch,
                 " does not divide 'train.batch' = ", train.batch, "."));
  require_number(train.learning_rate > 0, "train.learning_rate", train.learning_rate, "above 0");
  require(train.warmup_steps <= train.steps,
          concat("'train.warmup_steps' = ", train.warmup_steps,
                 " exceeds 'train.steps' = ", train.steps, "."),
          "Leave it out to use a tenth of the run, at most 100 steps.");
  require_between("train.warmup_steps", train.warmup_steps, 0, train.steps);
  require_number(train.beta1 >= 0 && train.beta1 < 1, "train.beta1", train.beta1,
                 "at least 0 and below 1");
  require_number(train.beta2 >= 0 && train.beta2 < 1, "train.beta2", train.beta2,
                 "at least 0 and below 1");
  require_number(train.weight_decay >= 0, "train.weight_decay", train.weight_decay, "at least 0");
  require_number(train.clip_norm > 0, "train.clip_norm", train.clip_norm, "above 0");
  require_one_of("train.bce_reduction", train.bce_reduction, {"mean", "sum_labels"});
  require(train.bce_reduction == "mean" || spec.objective == Objective::kMultiLabel,
          concat("'train.bce_reduction' = '", train.bce_reduction,
                 "' is for multi-label scenarios, but the objective is ", to_string(spec.objective),
                 "."));
  require_between("train.eval_every", train.eval_every, 0,
                  std::numeric_limits<std::int32_t>::max());
  require_between("train.eval_examples", train.eval_examples, 1,
                  std::numeric_limits<std::int32_t>::max());
  require_one_of("train.on_nonfinite", train.on_nonfinite, {"stop", "continue"});
}

bool is_device(const std::string& device) {
  if (device == "cpu" || device == "cuda") return true;
  const std::string prefix = "cuda:";
  return device.starts_with(prefix) && device.size() > prefix.size() &&
         device.size() <= prefix.size() + 3 &&
         device.find_first_not_of("0123456789", prefix.size()) == std::string::npos;
}

}  // namespace

void require_device(const std::string& device) {
  require(is_device(device), concat("'device' must be cpu, cuda or cuda:N, got '", device, "'."));
}

void validate(const RunSpec& spec) {
  require(!spec.scenario.empty(), "'scenario' must not be empty.");
  require_between("seed", spec.seed, 0, std::numeric_limits<std::uint32_t>::max());
  require_device(spec.device);
  require_one_of("engine", spec.engine, {"reference", "fused"});
  validate_model(spec);
  validate_data(spec);
  validate_train(spec);
}

}  // namespace dtbench
