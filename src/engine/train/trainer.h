// One global step: gradients over all micro-batches, unscaling, clipping, update, and the search
// for the first non-finite value at each of the three places.
#pragma once

#include <c10/core/Device.h>

#include <optional>

#include "engine/model/model.h"
#include "engine/model/weights_file.h"
#include "engine/optim/weight_update.h"
#include "engine/train/batches.h"
#include "engine/train/constant_predictor.h"
#include "engine/train/events.h"
#include "engine/train/nonfinite_origin.h"
#include "engine/train/prefetched_batches.h"
#include "engine/train/reducer.h"

namespace dtbench {

// Everything that a step reads and writes, on one device.
class Trainer {
 public:
  // Draws the initial weights or loads them, from `initial_weights` where that is given, else from
  // the file that the spec names. `reducer` is not owned; null: this process computes all of a
  // step.
  Trainer(const RunSpec& spec, const TokenStore& store, const c10::Device& device,
          const std::filesystem::path& initial_weights = {}, Reducer* reducer = nullptr);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  struct Gradients {
    GlobalBatch batch;
    StepEvent event;
    WeightUpdate::Window window;
    std::optional<NonFiniteEvent> nonfinite;  // what no scaler catches
    bool inspected = false;                   // whether the event has what the passes computed
  };
  // Forward and backward over the step's micro-batches, unscaling and clipping. Changes no
  // parameter, so it can be given up at any point. Launched, not waited for: on a GPU what the
  // device computes is in the event only after finish_step.
  Gradients compute_gradients(std::int64_t step);

  // The optimizer's update, or the scaler's where the step is skipped. Launched, not waited for.
  // Where something is not finite already, it waits for finish_step, or is not made.
  void launch_update(Gradients& gradients);

  // Reads the step's scalars, the one wait of a step, and completes its event. Returns the step's
  // first non-finite loss, gradient or parameter, or what a scaler that is at its end could not
  // catch.
  std::optional<NonFiniteEvent> finish_step(Gradients& gradients);

  // Both.
  std::optional<NonFiniteEvent> apply_gradients(Gradients& gradients);

  // Does this process's passes of a step once more, with the weights as they are now, for
  // `observer`. No gradient is kept, and nothing else changes.
  void repeat_passes(const Gradients& gradients, NodeObserver& observer);
  // The samples of a step whose gradients this process computes.
  struct Samples {
    std::int64_t begin, end;
  };
  Samples samples_here(const GlobalBatch& batch) const;

  // Sees the operations of the steps from now on; not owned, null: nobody.
  void observe(NodeObserver* observer) { observer_ = observer; }
  // Of the last step whose gradients were computed, in the order of parameters().
  std::vector<at::Tensor> stored_gradients() { return parameters_.gradients(); }

  Evaluation evaluate() const;
  std::int64_t evaluation_examples() const;
  // The loss of a validation point: Evaluation::point_loss, and nothing else computed.
  double evaluate_point() const;
  std::int64_t point_examples() const;
  // The best constant answer on the same validation targets.
  const ConstantPredictor& constant() const { return constant_; }

  const RunSpec& spec() const { return spec_; }
  const ModelShape& shape() const { return shape_; }
  const TokenStore& store() const { return store_; }
  const BatchSource& batches() const { return source_; }
  const c10::Device& device() const { return device_; }
  const ParameterSet& parameters() const { return parameters_; }
  const Model& model() const { return model_; }
  const WeightUpdate& update() const { return update_; }
  const LoadedWeights& loaded() const { return loaded_; }

 private:
  // Leaves the stored gradients behind, and the micro-batches' shares of the loss in the scalars.
  void accumulate(const GlobalBatch& batch, std::int64_t step);
  // The share of the micro-batch that begins at sample `first`.
  at::Tensor differentiate_at(const GlobalBatch& batch, std::int64_t step, std::int64_t first,
                              const LossNormalizer& normalizer, NodeObserver* observer,
                              const Tape::LeafSink& sink);
  Tape::LeafSink gradient_sink(bool last_micro_batch);
  // What the passes computed, for the event; and where it is not finite, where that arose.
  void inspect(Gradients& gradients);
  bool stops_on_nonfinite() const { return spec_.train.on_nonfinite == OnNonfinite::kStop; }
  // Completes the event by the operation that it began with. Doing the passes again costs a step,
  // so only the first event of a process is completed.
  void locate(const Gradients& gradients, NonFiniteEvent& event);
  // In this process's samples, of one micro-batch where it is known which; -1: of all.
  std::optional<NonFiniteOrigin::Place> find_origin(const Gradients& gradients,
                                                    std::int64_t micro_step);

  RunSpec spec_;
  const TokenStore& store_;
  c10::Device device_;
  ComputeRules rules_;
  ModelShape shape_;
  BatchSource source_;
  PrefetchedBatches batches_;
  ParameterSet parameters_;
  Model model_;
  LoadedWeights loaded_;
  WeightUpdate update_;
  ConstantPredictor constant_;
  Reducer* reducer_;
  NodeObserver* observer_ = nullptr;
  bool located_ = false;
};

}  // namespace dtbench
