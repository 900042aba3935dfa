#include "analysis/planning.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/claim.h"
#include "analysis/proportions.h"
#include "analysis/signed_rank.h"
#include "analysis/student_t.h"
#include "base/philox.h"

namespace dtbench {
namespace {

constexpr std::int64_t kLargest = 1000;
constexpr std::uint32_t kStudies = 1000;           // simulated
constexpr std::uint32_t kPlanningStream = 0x706c;  // no cell draws from it (base/philox.h)

// All seeds at one end of what can be measured: from the lowest rate of the grid to the highest.
Side side_of_rates(const Hypothesis& hypothesis, std::int64_t n, double alpha, int sign) {
  const double span = sign * std::log2(hypothesis.rates.back() / hypothesis.rates.front());
  const SignedRank rank(std::vector<Interval>(static_cast<std::size_t>(n), {span, span}));
  return side_of(rank.interval(alpha), hypothesis.threshold);
}

Side side_of_shares(const Hypothesis& hypothesis, std::int64_t n, double alpha, int sign) {
  const Discordant pairs = sign > 0 ? Discordant{n, 0, n} : Discordant{0, n, n};
  return side_of(paired_difference_interval(pairs, alpha), hypothesis.threshold);
}

// Standard normal draws for one seed of one block of study `study`: the reference's, then a part's
// each.
void draw(std::uint32_t study, std::uint32_t block, std::uint32_t seed,
          std::vector<double>& normals) {
  for (std::uint32_t i = 0; i < normals.size(); i += 4) {
    const PhiloxWords words = philox4x32_10({{study, block, seed, i}}, {0, kPlanningStream});
    const auto first = normal_pair(words.v[0], words.v[1]);
    const auto second = normal_pair(words.v[2], words.v[3]);
    const double four[] = {first[0], first[1], second[0], second[1]};
    for (std::uint32_t j = 0; j < 4 && i + j < normals.size(); ++j)
      normals[i + j] = four[j];
  }
}

// Whether study `study` finds every part of a block on its side with its first n seeds: Student's t
// above `quantile`.
bool block_holds(const JointPlan& plan, const std::vector<int>& signs, std::uint32_t block,
                 std::uint32_t study, std::int64_t n, double quantile) {
  const double half = std::sqrt(0.5), count = static_cast<double>(n);
  std::vector<double> sums(signs.size(), 0.0), squares(signs.size(), 0.0), z(signs.size() + 1);
  for (std::int64_t seed = 0; seed < n; ++seed) {
    draw(study, block, static_cast<std::uint32_t>(seed), z);
    for (std::size_t part = 0; part < signs.size(); ++part) {
      const double value = signs[part] * half * (z[part + 1] - z[0]) * plan.sd;
      sums[part] += value;
      squares[part] += value * value;
    }
  }
  for (std::size_t part = 0; part < signs.size(); ++part) {
    const double mean = sums[part] / count;
    const double sd = std::sqrt((squares[part] - sums[part] * mean) / (count - 1));
    if (!((plan.distance + mean) * std::sqrt(count) > quantile * sd)) return false;
  }
  return true;
}

}  // namespace

bool can_decide(const Hypothesis& hypothesis, std::int64_t n, double alpha) {
  const double each = alpha / static_cast<double>(hypothesis.parts());  // claim.h: of the upper end
  switch (hypothesis.estimand) {
    case Estimand::kStableRate:
      return side_of_rates(hypothesis, n, alpha, 1) == Side::kAbove &&
             side_of_rates(hypothesis, n, each, -1) == Side::kBelow;
    case Estimand::kSurvival:
      return side_of_shares(hypothesis, n, alpha, 1) == Side::kAbove &&
             side_of_shares(hypothesis, n, each, -1) == Side::kBelow;
    case Estimand::kSpeedup:
    case Estimand::kNonInferiority:
      break;
  }
  return n >= 2;  // means without spread
}

std::int64_t fewest_that_can_decide(const Hypothesis& hypothesis, double alpha) {
  for (std::int64_t n = 2; n <= 100; ++n)
    if (can_decide(hypothesis, n, alpha)) return n;
  return 0;
}

double joint_power(const JointPlan& plan, std::int64_t n) {
  const double quantile =
      student_t_interval({static_cast<std::size_t>(n), 0, std::sqrt(static_cast<double>(n))},
                         1 - plan.alpha)
          .high;
  std::map<std::uint32_t, std::vector<int>> blocks;
  for (const PlannedPart& part : plan.parts)
    blocks[part.block].push_back(part.sign);
  int held = 0;
  for (std::uint32_t study = 0; study < kStudies; ++study)
    held += std::all_of(blocks.begin(), blocks.end(), [&](const auto& block) {
      return block_holds(plan, block.second, block.first, study, n, quantile);
    });
  return static_cast<double>(held) / kStudies;
}

std::int64_t joint_seeds(const JointPlan& plan, double power) {
  // No fewer than one part alone needs; from there by bisection.
  auto low =
      static_cast<std::int64_t>(values_needed(plan.sd, plan.distance, plan.alpha, power, kLargest));
  if (low == 0) return 0;
  if (joint_power(plan, low) >= power) return low;
  std::int64_t high = low;
  do {
    high *= 2;
    if (high > kLargest) return 0;
  } while (joint_power(plan, high) < power);
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (joint_power(plan, middle) >= power ? high : low) = middle;
  }
  return high;
}

JointPlan joint_plan(const Hypothesis& hypothesis, double alpha) {
  JointPlan plan{{}, hypothesis.planning_sd, hypothesis.threshold, alpha};
  std::uint32_t block = 0;
  for (std::size_t pair = 0; pair < hypothesis.contrast.pair.size(); ++pair)
    for (const int sign : {1, -1}) {  // better, worse
      plan.parts.push_back({block, sign});
      for (std::size_t safe = 0; safe < hypothesis.contrast.safe_policies.size(); ++safe)
        plan.parts.push_back({block, 1});
      ++block;
    }
  return plan;
}

}  // namespace dtbench
