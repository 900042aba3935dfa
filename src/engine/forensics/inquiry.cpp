#include "engine/forensics/inquiry.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/progress_line.h"
#include "base/text.h"
#include "engine/numerics/support.h"

namespace dtbench {
namespace {

// A cell is said to survive when it lives twice as long as the unchanged one did, and some steps.
std::int64_t window_of(std::int64_t fatal_step) {
  return std::max<std::int64_t>(2 * (fatal_step + 1), fatal_step + 11);
}

void show(ProgressLine& progress, std::int64_t done, std::int64_t all) {
  progress.update(static_cast<double>(done) / static_cast<double>(all), concat(done, " of ", all));
}

class Inquiry {
 public:
  Inquiry(const Death& death, const ReplaySource& source)
      : spec_(death.spec), death_(death), source_(source), fatal_step_(death.step) {
    // The step that dies is looked at whole.
    spec_.train.on_nonfinite = OnNonfinite::kContinue;
    found_.window = window_of(death.step);
    spec_.train.steps = std::max(spec_.train.steps, found_.window);
  }

  Explanation answer() {
    watch();
    // Whatever comes out of a machine that does not repeat itself is no property of the cell.
    if (!found_.step_repeats || !found_.evidence.nonfinite) return found_;
    found_.diagnoses = diagnose(found_.evidence);
    if (death_.replays == 0) return found_;
    try_interventions();
    prove_one();
    return found_;
  }

 private:
  void watch() {
    ProgressLine progress("every operation watched");
    show(progress, 0, fatal_step_ + 1);
    Replay replay(spec_, source_);
    ReplayEvidence& evidence = found_.evidence;
    evidence.spec = spec_;
    while (replay.steps() <= fatal_step_ && !evidence.nonfinite) {
      if (replay.steps() == fatal_step_) found_.step_repeats = replay.next_step_repeats();
      evidence.nonfinite = replay.watched_step();
      evidence.steps.push_back(replay.signals());
      compare_with_record(replay.event());
      show(progress, replay.steps(), fatal_step_ + 1);
    }
    evidence.origin = replay.watch().origin();
    evidence.chain = replay.watch().chain();
    places_ = module_places(replay.trainer());
  }

  void compare_with_record(const StepEvent& event) {
    const auto index = static_cast<std::size_t>(event.step);
    if (!found_.differs.empty() || index >= death_.recorded.size()) return;
    const Json& line = death_.recorded[index];
    const auto differs = [&](const char* field, double value) {
      return line.contains(field) && line.at(field) != json_number(value);
    };
    for (const auto& [field, value] :
         {std::pair{"loss", event.loss}, std::pair{"grad_norm", event.grad_norm}})
      if (differs(field, value)) {
        found_.differs = concat("step ", event.step, ": ", field, " was ", line.at(field).dump(),
                                ", is ", json_number(value).dump());
        return;
      }
    ++found_.steps_equal;
  }

  void try_interventions() {
    const std::vector<Intervention> all = interventions(spec_, places_, found_.evidence.origin);
    ProgressLine progress("interventions");
    const auto count = static_cast<std::int64_t>(all.size());
    std::int64_t tried = 0;
    show(progress, tried, count);
    for (const Intervention& intervention : all) {
      if (!unsupported(intervention.spec, source_.device))
        found_.trials.push_back(try_one(intervention));
      show(progress, ++tried, count);
    }
  }

  Trial try_one(const Intervention& intervention) const {
    Trial trial{intervention, {}, 0, 0, 0, 0};
    Replay replay(intervention.spec, source_);
    ReplayEnd& end = trial.end;
    while (replay.steps() < found_.window && !end.nonfinite) {
      const bool watched = replay.steps() <= fatal_step_;
      end.nonfinite = watched ? replay.watched_step() : replay.step();
      end.add(replay.event());
      if (watched) keep_largest(trial, replay.signals());
    }
    return trial;
  }

  static void keep_largest(Trial& trial, const StepSignals& signals) {
    trial.activation_share = std::max(trial.activation_share, signals.activations.share);
    trial.gradient_share = std::max(trial.gradient_share, signals.gradients.share);
    if (!signals.update) return;
    trial.longest_step = std::max(trial.longest_step, signals.update->longest.rates);
    trial.flushed_share = std::max(trial.flushed_share, signals.update->flushed_share);
  }

  // The mechanism that began first and has a change that removes it and survives.
  void prove_one() {
    for (std::size_t i = 0; i < found_.diagnoses.size(); ++i) {
      const Trial* remedy = smallest_remedy(found_.diagnoses[i].mechanism);
      if (remedy == nullptr) continue;
      std::rotate(found_.diagnoses.begin(), found_.diagnoses.begin() + static_cast<long>(i),
                  found_.diagnoses.begin() + static_cast<long>(i) + 1);
      return prove(found_.diagnoses.front().mechanism, *remedy);
    }
    found_.proof.against.emplace_back("no change that removes the mechanism survives");
  }

  const Trial* smallest_remedy(Mechanism mechanism) const {
    for (const Trial& trial : found_.trials)
      if (role_of(trial.intervention, mechanism) == Role::kRemedy && trial.end.survived())
        return &trial;
    return nullptr;
  }

  void prove(Mechanism mechanism, const Trial& remedy) {
    Proof& proof = found_.proof;
    proof.change = remedy.intervention.id;
    ProgressLine progress("replays with weights moved by one ulp");
    show(progress, 0, death_.replays);
    for (std::int64_t draw = 1; draw <= death_.replays; ++draw) {
      const auto index = static_cast<std::uint32_t>(draw);
      if (!replay(spec_, source_, found_.window, index).survived()) ++proof.unchanged_died;
      if (replay(remedy.intervention.spec, source_, found_.window, index).survived())
        ++proof.change_survived;
      show(progress, ++proof.replays, death_.replays);
    }
    if (proof.unchanged_died < proof.replays)
      proof.against.push_back(concat("the unchanged cell dies in only ", proof.unchanged_died,
                                     " of ", proof.replays, " replays"));
    if (proof.change_survived < proof.replays)
      proof.against.push_back(concat("with the change, only ", proof.change_survived, " of ",
                                     proof.replays, " replays survive"));
    if (!found_.differs.empty())
      proof.against.emplace_back("the replay is not the recorded run, bit for bit");
    look_at_controls(mechanism);
    look_at_signal(mechanism, remedy);
  }

  // Changes that leave the mechanism alone must not save the cell.
  void look_at_controls(Mechanism mechanism) {
    bool any = false;
    for (const Trial& trial : found_.trials) {
      const Intervention& change = trial.intervention;
      if (role_of(change, mechanism) != Role::kControl) continue;
      any = true;
      if (trial.end.survived())
        found_.proof.against.push_back(
            concat("it also survives with ", change.change, ", which leaves the mechanism alone"));
    }
    if (!any) found_.proof.against.emplace_back("no change that leaves the mechanism alone exists");
  }

  // What the mechanism says must have happened to its signal.
  void look_at_signal(Mechanism mechanism, const Trial& remedy) {
    const TrainSpec& train = spec_.train;
    switch (mechanism) {
      case Mechanism::kSecondMomentUnderflow:
      case Mechanism::kEightBitMomentZero:
        if (remedy.longest_step > longest_exact_step(train.beta1, train.beta2))
          object(remedy, "weights still move farther than exact AdamW can move them");
        return;
      case Mechanism::kScoreOverflow:
      case Mechanism::kActivationOverflow:
        if (remedy.activation_share >= 1) object(remedy, "activations still leave their range");
        return;
      case Mechanism::kGradientOverflow:
        if (remedy.gradient_share >= 1) object(remedy, "gradients still leave their range");
        return;
      case Mechanism::kEpsilonUnderflow:  // 0 / 0 either is there or not: survival is the signal
      case Mechanism::kNormOverflow:
      case Mechanism::kWeightOverflow:
      case Mechanism::kUnknown:
        return;
    }
  }

  void object(const Trial& remedy, const char* what) {
    found_.proof.against.push_back(concat("with ", remedy.intervention.change, ", ", what));
  }

  RunSpec spec_;
  const Death& death_;
  const ReplaySource& source_;
  std::int64_t fatal_step_;
  ModulePlaces places_;
  Explanation found_;
};

}  // namespace

Explanation inquire(const Death& death, const ReplaySource& source) {
  return Inquiry(death, source).answer();
}

}  // namespace dtbench
