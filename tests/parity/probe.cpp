// What our engine computes, for comparison with Transformers and torch:
//   parity_probe forward SPEC.json WEIGHTS BATCH OUT [--steps N]
//   parity_probe adamw IN OUT fused|foreach
//   parity_probe scaler IN OUT
// All files but the spec are safetensors; the Python suites beside this file say what they hold.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/model/model.h"
#include "engine/model/weights_file.h"
#include "engine/numerics/float32_precision.h"
#include "engine/numerics/scalar_type.h"
#include "engine/optim/adamw.h"
#include "engine/optim/clip.h"
#include "engine/optim/loss_scaler.h"
#include "engine/optim/schedule.h"
#include "parity/tensor_io.h"

namespace dtbench {
namespace {

constexpr std::int64_t kIgnored = -100;

// The targets of language models come as labels [B, T] before the shift: position t predicts t + 1.
MicroBatch micro_batch(const NamedTensors& given, bool language_model) {
  MicroBatch batch;
  batch.input_ids = given.at("input_ids");
  if (given.contains("attention_mask"))
    batch.attention_mask = given.at("attention_mask").to(at::kBool);
  batch.targets = given.at("targets");
  if (!language_model) return batch;
  const std::int64_t samples = batch.targets.size(0), tokens = batch.targets.size(1);
  const at::Tensor last = at::full({samples, 1}, kIgnored, batch.targets.options());
  const at::Tensor next =
      at::cat({batch.targets.narrow(1, 1, tokens - 1), last}, 1).reshape({-1});  // [B * T]
  batch.target_index = next.ne(kIgnored).nonzero().squeeze(1);
  batch.targets = next.index_select(0, batch.target_index);
  return batch;
}

// Vocabulary and labels are the weights', under either form of their names.
ModelShape shape_of(const RunSpec& spec, const NamedTensors& weights) {
  const bool prefixed = weights.contains("transformer.wte.weight");
  const at::Tensor& wte = weights.at(prefixed ? "transformer.wte.weight" : "wte.weight");
  const auto score = weights.find("score.weight");
  return model_shape(spec, wte.size(0), score == weights.end() ? 0 : score->second.size(0));
}

class ForwardProbe {
 public:
  ForwardProbe(const RunSpec& spec, const std::string& weights, const NamedTensors& batch)
      : spec_(spec),
        parameters_(at::TensorOptions(at::kCPU).dtype(scalar_type(spec.policy.parameters)), 0),
        model_(parameters_, shape_of(spec, read_tensors(weights)), spec.model.layer_norm_epsilon),
        batch_(micro_batch(batch, is_language_model(spec.objective))),
        normalizer_{static_cast<double>(batch_.targets.size(0)), 1.0} {
    load_weights(weights, parameters_);
  }

  void forward_and_backward(NamedTensors& out) {
    {
      const c10::NoGradGuard no_grad;
      out["logits"] = model_.logits(batch_);
      out["pooled_index"] = Model::pooled_index(batch_);
    }
    out["loss"] = differentiated_loss();
    for (const Parameter& parameter : parameters_.all())
      out["grad." + parameter.name] = parameter.value.grad().clone();
  }

  void train(std::int64_t steps, NamedTensors& out) {
    const TrainSpec& train = spec_.train;
    AdamW optimizer(parameters_, adamw_options(spec_.policy, train, spec_.seed));
    std::vector<double> losses, norms;
    for (std::int64_t step = 0; step < steps; ++step) {
      losses.push_back(differentiated_loss().item<double>());
      norms.push_back(clip_by_global_norm(parameters_.gradients(), train.clip_norm));
      optimizer.step(learning_rate(train.learning_rate, train.warmup_steps, step), 1.0,
                     static_cast<std::uint32_t>(step));
    }
    out["losses"] = at::tensor(losses, at::kDouble);
    out["grad_norms"] = at::tensor(norms, at::kDouble);
    for (const Parameter& parameter : parameters_.all())
      out["parameter." + parameter.name] = parameter.value;
  }

 private:
  at::Tensor differentiated_loss() {
    parameters_.clear_gradients();
    const at::Tensor loss = model_.loss(batch_, DropoutContext{}, normalizer_);
    torch::autograd::backward({loss}, {at::ones_like(loss)});
    parameters_.gradients();  // zeros where no gradient came
    return loss.detach();
  }

  RunSpec spec_;
  ParameterSet parameters_;
  Model model_;
  MicroBatch batch_;
  LossNormalizer normalizer_;
};

void forward(const std::vector<std::string>& files, std::int64_t steps) {
  const RunSpec spec = run_spec_from_json(read_json_file(files[0]), files[0]);
  set_float32_precision(spec.policy.tf32);
  ForwardProbe probe(spec, files[1], read_tensors(files[2]));
  NamedTensors out;
  probe.forward_and_backward(out);
  if (steps > 0) probe.train(steps, out);
  write_tensors(files[3], out);
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
    parameters.create(names[i], value.sizes(), kZeros, kind).detach().copy_(value);
  }
  const StateFormat states = state_format(parameters.all().front().value.scalar_type());
  AdamW optimizer(parameters, {options[0].item<double>(), options[1].item<double>(),
                               options[2].item<double>(), options[3].item<double>(), states, states,
                               arithmetic, UpdateRounding::kNearest, 0});
  std::map<std::string, std::vector<at::Tensor>> courses;
  for (std::int64_t step = 0; step < rates.size(0); ++step) {
    for (const Parameter& parameter : parameters.all())
      parameter.value.mutable_grad() = given.at(prefix + parameter.name)[step].clone();
    optimizer.step(rates[step].item<double>(), 1.0, static_cast<std::uint32_t>(step));
    for (const Parameter& parameter : parameters.all())
      courses[parameter.name].push_back(parameter.value.detach().clone());
  }
  NamedTensors out;
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
  LossScaler loss_scaler({options[0].item<double>(), options[1].item<double>(),
                          options[2].item<double>(), options[3].item<std::int64_t>()});
  std::vector<at::Tensor> scales, trackers;
  for (std::int64_t step = 0; step < found.size(0); ++step) {
    loss_scaler.update(found[step].item<std::uint8_t>() != 0);
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
