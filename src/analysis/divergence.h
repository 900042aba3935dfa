// How far a policy's loss curves lie from the reference's, beside how far rounding alone moves
// them: the curves of `fp32_perturbed`, whose initial weights are one unit in the last place off.
#pragma once

#include "analysis/loss_curves.h"
#include "analysis/pairing.h"

namespace dtbench {

// {"max", "time_mean": summaries of the absolute difference of training losses, "over_noise_floor":
// null, or "max" and "time_mean": summaries of the ratio to the noise floor of the same seed,
// "by_seed": [{"seed", "max", "time_mean", "steps"}], "left_out": pairs without a step to compare}.
// `noise`: the noise floor's pairs under the same setting; null where they were not run.
Json divergence(const std::vector<Pair>& pairs, const std::vector<Pair>* noise, LossCurves& curves);

}  // namespace dtbench
