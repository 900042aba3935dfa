#include <cstdint>

#include "base/error.h"
#include "base/text.h"
#include "config/hub_address.h"
#include "config/label_form_name.h"
#include "config/length_buckets.h"
#include "config/run_spec.h"
#include "config/weights_path.h"

namespace dtbench {
namespace {

void require(bool holds, const std::string& message, const std::string& hint = "") {
  if (!holds) throw usage_error(message, hint);
}

void require_between(const char* field, std::int64_t value, std::int64_t low, std::int64_t high) {
  require(value >= low && value <= high,
          concat("'", field, "' must be between ", low, " and ", high, ", got ", value, "."));
}

// What the registered entries ask for.
void validate_entries(const RunSpec& spec) {
  const ModelFamily& family = spec.model.architecture;
  const Task& task = spec.objective;
  const std::vector<std::string> suitable = suitable_families(task);
  require(suits(task, family),
          concat("The objective ", task.name, " (", task.title, ") needs the architecture ",
                 join(suitable, " or "), ", got ", family.name, "."),
          "Choose another scenario: dtbench run --help names them.");
  if (family.check != nullptr) family.check(spec);
  if (spec.train.optimizer->check != nullptr) spec.train.optimizer->check(spec);
}

void validate_model(const RunSpec& spec) {
  const ModelSpec& model = spec.model;
  require_between("model.heads", model.heads, 1, model.width);
  require(model.width % model.heads == 0,
          concat("'model.width' = ", model.width,
                 " cannot be divided into 'model.heads' = ", model.heads, " equal parts."));
  require_weights_path(model.init);
  require(model.init != "scratch" || model.init_head == InitHead::kFile,
          "'model.init_head' = 'drawn' is about the head of weights from a file, but 'model.init' "
          "= 'scratch' draws all weights.",
          "Leave model.init_head out.");
  if (is_hub_address(model.init)) parse_hub_address(model.init, "model.init");
}

// Language models: a token and the one it predicts. Documents: one token, and the special ones
// around it.
std::int64_t shortest_length(const RunSpec& spec) {
  if (is_language_model(spec.objective)) return 2;
  return spec.model.architecture->tokens.begin.empty() ? 1 : 3;
}

void validate_length(const RunSpec& spec) {
  const std::int64_t unused = spec.model.architecture->first_position;
  const std::int64_t longest = spec.model.positions - unused;
  require_between("data.length", spec.data.length, shortest_length(spec), std::int64_t{1} << 24);
  require(
      spec.data.length <= longest,
      concat("'data.length' = ", spec.data.length, " is longer than the model: 'model.positions'",
             " = ", spec.model.positions, " allow sequences of at most ", longest, " tokens."),
      concat("--length ", longest, ", or, for weights from scratch, --set model.positions=",
             spec.data.length + unused, "."));
}

void validate_data(const RunSpec& spec) {
  const DataSpec& data = spec.data;
  const bool synthetic = data.source == "synthetic";
  require(!data.source.empty(), "'data.source' must not be empty.");
  if (is_hub_address(data.source))
    require(parse_hub_address(data.source, "data.source").dataset,
            concat("'data.source' must be a data set, got '", data.source, "', a model's address."),
            concat("--data hf://datasets/", data.source.substr(5)));
  if (is_hub_address(data.tokenizer)) parse_hub_address(data.tokenizer, "data.tokenizer");
  label_form_named(data.label_form);  // throws
  require(data.vocab.empty() == data.merges.empty(),
          concat("A tokenizer needs a vocabulary and its merges, but only '",
                 data.vocab.empty() ? "data.merges" : "data.vocab", "' is given."),
          "Give both from the same tokenizer: --vocab vocab.json --merges merges.txt.");
  require(data.tokenizer.empty() || data.vocab.empty(),
          "'data.tokenizer' already holds a vocabulary and its merges, but 'data.vocab' and "
          "'data.merges' are given too.",
          "Give only --tokenizer tokenizer.json.");
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
  require_between("train.micro_batch", train.micro_batch, 1, train.batch);
  require(train.batch % train.micro_batch == 0,
          concat("'train.micro_batch' = ", train.micro_batch,
                 " does not divide 'train.batch' = ", train.batch, "."));
  require(train.batch % (train.micro_batch * train.processes) == 0,
          concat("'train.micro_batch' = ", train.micro_batch, " in each of 'train.processes' = ",
                 train.processes, " does not divide 'train.batch' = ", train.batch, "."),
          "Each process computes as many micro-batches of a step: --micro-batch, --batch.");
  require(train.bce_reduction == BceReduction::kMean || spec.objective->takes_bce_reduction,
          concat("'train.bce_reduction' = '", to_string(train.bce_reduction),
                 "' is for multi-label scenarios, but the objective is ", to_string(spec.objective),
                 "."));
  // Its chain is torch's own, a mean over all targets that there are.
  require(spec.policy.loss != LossRule::kTransformers || target_buckets(spec).sizes().empty(),
          concat("'train.length_buckets' = ", train.length_buckets, " pads the targets of ",
                 spec.objective->title, "s, but the policy's loss = \"transformers\" counts every ",
                 "target it is given."),
          "--set train.length_buckets=0, or a policy with loss = \"contract\".");
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
  require_spec_ranges(spec);
  require_device(spec.device);
  require(spec.train.processes == 1 || !spec.device.starts_with("cuda:"),
          concat("'device' = '", spec.device,
                 "' is one GPU, but 'train.processes' = ", spec.train.processes, " need one each."),
          "--device cuda: each process takes the GPU of its LOCAL_RANK.");
  validate_entries(spec);
  validate_model(spec);
  validate_data(spec);
  validate_train(spec);
}

}  // namespace dtbench
