// What our engine computes, for comparison with Transformers, torch and the oracle:
//   parity_probe forward SPEC.json WEIGHTS BATCH OUT [--steps N]
//   parity_probe adamw IN OUT fused|foreach
//   parity_probe scaler IN OUT
// All files but the spec are safetensors; beside OUT, OUT.json tells what is no tensor. The Python
// suites beside this file say what they hold.
#include <ATen/ATen.h>

#include <initializer_list>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/model/differentiate.h"
#include "engine/model/model_builder.h"
#include "engine/model/weights_file.h"
#include "engine/numerics/float32_precision.h"
#include "engine/numerics/scalar_type.h"
#include "engine/optim/adamw.h"
#include "engine/optim/loss_scaler.h"
#include "engine/optim/schedule.h"
#include "engine/optim/weight_update.h"
#include "engine/train/first_nonfinite.h"
#include "engine/train/training_state.h"
#include "parity/tensor_io.h"

namespace dtbench {
namespace {

constexpr std::int64_t kIgnored = -100;

// The targets of language models come as labels [B, T], kIgnored where nothing is predicted; those
// of causal ones before the shift: position t predicts t + 1.
MicroBatch micro_batch(const NamedTensors& given, Registered<Task> objective) {
  MicroBatch batch;
  batch.input_ids = given.at("input_ids");
  if (given.contains("attention_mask"))
    batch.attention_mask = given.at("attention_mask").to(at::kBool);
  batch.targets = given.at("targets");
  if (!is_language_model(objective)) return batch;
  at::Tensor labels = batch.targets;
  if (objective == causal_lm()) {
    const at::Tensor none = at::full({labels.size(0), 1}, kIgnored, labels.options());
    labels = at::cat({labels.narrow(1, 1, labels.size(1) - 1), none}, 1);
  }
  labels = labels.reshape({-1});
  batch.target_index = labels.ne(kIgnored).nonzero().squeeze(1);
  batch.targets = labels.index_select(0, batch.target_index);
  return batch;
}

// Vocabulary and labels are the weights', under any form of their names.
ModelShape shape_of(const RunSpec& spec, const NamedTensors& weights) {
  const auto rows = [&](std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (const auto found = weights.find(name); found != weights.end())
        return found->second.size(0);
    return std::int64_t{0};
  };
  return model_shape(
      spec,
      rows({"transformer.wte.weight", "wte.weight", "roberta.embeddings.word_embeddings.weight",
            "embeddings.word_embeddings.weight"}),
      rows({"score.weight", "classifier.out_proj.weight"}));
}

// N as train/batches.h defines it.
double target_count(const RunSpec& spec, const MicroBatch& batch) {
  const bool sum_labels = spec.train.bce_reduction == BceReduction::kSumLabels;
  return static_cast<double>(sum_labels ? batch.targets.size(0) : batch.targets.numel());
}

// The datatypes of each module's output and of the gradient that comes back to it: those of the
// module's last operation.
class ModuleDatatypes : public NodeObserver {
 public:
  void on_node(const Node& node, Phase phase, at::TensorList in, at::TensorList out) override {
    if (node.module.empty() || node.phase == Phase::kLoss) return;  // a loss is no module
    Json& entry = modules_[std::string(node.module)];
    if (phase == Phase::kBackward)
      entry.emplace("gradient", name_of(in.front()));  // keeps the first to come back
    else
      entry["output"] = name_of(out.front());
  }

  Json json() const {
    Json all = Json::object();
    for (const auto& [name, entry] : modules_)
      all[name] = entry;
    return all;
  }

 private:
  static const char* name_of(const at::Tensor& tensor) {
    return to_string(dtype_of(tensor.scalar_type()));
  }
  std::map<std::string, Json> modules_;
};

class ForwardProbe {
 public:
  ForwardProbe(const RunSpec& spec, const std::string& weights, const NamedTensors& batch)
      : spec_(spec),
        rules_(compute_rules(spec.policy)),
        parameters_(at::TensorOptions(at::kCPU).dtype(scalar_type(spec.policy.parameters)),
                    static_cast<std::uint32_t>(spec.seed), scalar_type(spec.policy.gradients)),
        model_(parameters_, shape_of(spec, read_tensors(weights)), spec.model.layer_norm_epsilon),
        batch_(micro_batch(batch, spec.objective)),
        count_(target_count(spec, batch_)),
        update_(parameters_, spec.policy, spec.train, spec.seed) {
    load_weights({.path = weights, .language_model = is_language_model(spec.objective)},
                 model_builder(to_string(spec.model.architecture)).weights, parameters_);
  }

  // Logits, loss and scaled gradients.
  void forward_and_backward(NamedTensors& out, Json& facts) {
    ModuleDatatypes modules;
    Tape tape(Tape::Mode::kForwardOnly, &modules);
    out["logits"] = model_.logits(batch_, {tape, rules_}).tensor();
    if (!is_language_model(spec_.objective)) out["pooled_index"] = model_.pooled_index(batch_);
    out["loss"] = differentiated_loss(&modules);
    facts["modules"] = modules.json();
    const std::vector<at::Tensor> gradients = parameters_.gradients();
    for (std::size_t i = 0; i < gradients.size(); ++i)
      out["grad." + parameters_.all()[i].name] = gradients[i].clone();
  }

  // Steps on the one batch, until the last or the first non-finite value.
  void train(std::int64_t steps, NamedTensors& out, Json& facts) {
    const TrainSpec& train = spec_.train;
    std::vector<double> losses, norms, scales, skipped;
    std::optional<NonFiniteEvent> nonfinite;
    for (std::int64_t step = 0; step < steps && !nonfinite; ++step) {
      scales.push_back(update_.loss_scale());
      const double rate = learning_rate(train.learning_rate, train.warmup_steps, step);
      update_.begin({step, rate, count_, /*hold_nonfinite=*/true});
      const at::Tensor loss = differentiated_loss(nullptr);
      update_.record_loss(0, loss);
      update_.finish_gradients();
      const WeightUpdate::Window window = update_.read();
      losses.push_back(loss.item<double>());
      norms.push_back(window.grad_norm);
      skipped.push_back(window.skipped ? 1 : 0);
      if (!window.skipped) {
        nonfinite = first_nonfinite_loss(step, loss.view({1}));
        if (!nonfinite) nonfinite = first_nonfinite_gradient(step, parameters_, window.grad_norm);
        if (nonfinite) break;
      }
      update_.apply();
      update_.read();
      nonfinite = first_nonfinite_parameter(step, parameters_, "adamw");
    }
    facts["first_nonfinite"] = nonfinite ? to_json(*nonfinite) : Json();
    out["losses"] = at::tensor(losses, at::kDouble);
    out["grad_norms"] = at::tensor(norms, at::kDouble);
    out["loss_scales"] = at::tensor(scales, at::kDouble);
    out["skipped"] = at::tensor(skipped, at::kDouble);
    for (const Parameter& parameter : parameters_.all())
      out["parameter." + parameter.name] = parameter.value;
  }

 private:
  at::Tensor differentiated_loss(NodeObserver* observer) {
    parameters_.clear_gradients();
    return differentiate(model_, batch_, {rules_, {}, observer}, {count_, update_.loss_scale()},
                         into(parameters_));
  }

  RunSpec spec_;
  ComputeRules rules_;
  ParameterSet parameters_;
  Model model_;
  MicroBatch batch_;
  double count_;
  WeightUpdate update_;
};

void forward(const std::vector<std::string>& files, std::int64_t steps) {
  const RunSpec spec = run_spec_from_json(read_json_file(files[0]), files[0]);
  set_float32_precision(spec.policy.tf32);
  ForwardProbe probe(spec, files[1], read_tensors(files[2]));
  NamedTensors out;
  Json facts;
  probe.forward_and_backward(out, facts);
  if (steps > 0) probe.train(steps, out, facts);
  write_tensors(files[3], out);
  write_file_atomically(files[3] + ".json", facts.dump(1));
}

StateFormat state_format(at::ScalarType type) {
  switch (dtype_of(type)) {
    case Dtype::kFloat64:
      return StateFormat::kFloat64;
    case Dtype::kFloat32:
      return StateFormat::kFloat32;
    case Dtype::kBFloat16:
      return StateFormat::kBFloat16;
    case Dtype::kFloat16:
      return StateFormat::kFloat16;
  }
  throw std::logic_error("unknown Dtype");
}

// Everything in the gradients' datatype. IN: parameter.<name>, gradient.<name> [steps, ...],
// learning_rates [steps], decayed [names, sorted], options {beta1, beta2, epsilon, weight_decay}.
// OUT: parameter.<name> [steps, ...] after each step, and AdamW's states after the last.
void adamw(const std::string& in, const std::string& out_path, OptimizerArithmetic arithmetic) {
  const NamedTensors given = read_tensors(in);
  const at::Tensor rates = given.at("learning_rates"), options = given.at("options");
  const std::string prefix = "gradient.";
  std::vector<std::string> names;
  for (const auto& [name, tensor] : given)
    if (name.starts_with(prefix)) names.push_back(name.substr(prefix.size()));

  ParameterSet parameters(given.at(prefix + names.at(0)).options(), 0);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const at::Tensor& value = given.at("parameter." + names[i]);
    const bool decayed =
        given.at("decayed")[static_cast<std::int64_t>(i)].item<std::uint8_t>() != 0;
    const ParameterKind kind = decayed ? ParameterKind::kMatrix : ParameterKind::kVector;
    parameters.create(names[i], value.sizes(), kZeros, kind).value.copy_(value);
  }
  const StateFormat states = state_format(parameters.all().front().value.scalar_type());
  AdamW optimizer(parameters, {options[0].item<double>(), options[1].item<double>(),
                               options[2].item<double>(), options[3].item<double>(), states, states,
                               arithmetic, UpdateRounding::kNearest, 0});
  DeviceScalars scalars(at::kCPU);
  std::map<std::string, std::vector<at::Tensor>> courses;
  for (std::int64_t step = 0; step < rates.size(0); ++step) {
    parameters.clear_gradients();
    for (const Parameter& parameter : parameters.all())
      parameters.add_gradient(parameter.index, given.at(prefix + parameter.name)[step].clone());
    scalars.begin({step, rates[step].item<double>()});
    optimizer.step(scalars);
    end_update(*scalars.at_hand(), /*scaled=*/false, {});
    for (const Parameter& parameter : parameters.all())
      courses[parameter.name].push_back(parameter.value.clone());
  }
  NamedTensors out{{"optimizer_updates", scalars.tensor(&StepScalars::updates)}};
  for (const auto& [name, state] : optimizer.named_states())
    out[name] = state;
  for (const auto& [name, course] : courses)
    out["parameter." + name] = at::stack(course);
  write_tensors(out_path, out);
}

// IN: options {initial, growth factor, backoff factor, growth interval}, found [steps] uint8:
// whether a step met a non-finite gradient. OUT: after each step scale and growth_tracker [steps].
void scaler(const std::string& in, const std::string& out_path) {
  const NamedTensors given = read_tensors(in);
  const at::Tensor &options = given.at("options"), &found = given.at("found");
  DeviceScalars scalars(at::kCPU);
  const LossScaler loss_scaler({options[0].item<double>(), options[1].item<double>(),
                                options[2].item<double>(), options[3].item<std::int64_t>()},
                               scalars);
  std::vector<at::Tensor> scales, trackers;
  for (std::int64_t step = 0; step < found.size(0); ++step) {
    scalars.begin({step});
    scalars.at_hand()->skipped = found[step].item<std::uint8_t>() != 0 ? 1 : 0;
    end_update(*scalars.at_hand(), /*scaled=*/true, loss_scaler.rule());
    for (const auto& [name, state] : loss_scaler.named_states()) {
      if (name == "loss_scale") scales.push_back(state.clone());
      if (name == "loss_scale_growth_tracker") trackers.push_back(state.clone());
    }
  }
  write_tensors(out_path, {{"scale", at::stack(scales)}, {"growth_tracker", at::stack(trackers)}});
}

int run(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  if (command == "forward" && (arguments.size() == 5 || arguments.size() == 7)) {
    forward({arguments.begin() + 1, arguments.begin() + 5},
            arguments.size() == 7 ? std::stoll(arguments[6]) : 0);
    return 0;
  }
  if (command == "adamw" && arguments.size() == 4) {
    const bool foreach = arguments[3] == "foreach";
    adamw(arguments[1], arguments[2],
          foreach ? OptimizerArithmetic::kForeach : OptimizerArithmetic::kFused);
    return 0;
  }
  if (command == "scaler" && arguments.size() == 3) {
    scaler(arguments[1], arguments[2]);
    return 0;
  }
  std::cerr << "usage: parity_probe forward SPEC WEIGHTS BATCH OUT [--steps N] |\n"
               "       parity_probe adamw IN OUT fused|foreach | scaler IN OUT\n";
  return 2;
}

}  // namespace
}  // namespace dtbench

int main(int count, char** arguments) {
  try {
    return dtbench::run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
