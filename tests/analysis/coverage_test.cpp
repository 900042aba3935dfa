// How often intervals hold what they are for, at the numbers of seeds that experiments have.
#include <gtest/gtest.h>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstdio>
#include <functional>

#include "analysis/kaplan_meier.h"
#include "analysis/mean_part.h"
#include "analysis/proportions.h"
#include "analysis/signed_rank.h"
#include "base/philox.h"

namespace dtbench {
namespace {

constexpr double kLevel95 = 0.95;
constexpr std::size_t kSizes[] = {3, 5, 10, 20};

// Four standard deviations of a share of `trials`: one false alarm in 16,000.
double binomial_error(double share, int trials) {
  return 4 * std::sqrt(share * (1 - share) / trials);
}

// Values of trial `trial`: N(mean, 1), or exp of it.
std::vector<double> normal_values(std::uint32_t trial, std::size_t n, double mean) {
  std::vector<double> values;
  for (std::uint32_t i = 0; values.size() < n; ++i) {
    const PhiloxWords words =
        philox4x32_10({{trial, i, static_cast<std::uint32_t>(n), 0}}, {2026, 99});
    for (const double z : normal_pair(words.v[0], words.v[1]))
      if (values.size() < n) values.push_back(mean + z);
  }
  return values;
}

double coverage(int trials, double truth, const std::function<Interval(std::uint32_t)>& interval) {
  int held = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const Interval each = interval(static_cast<std::uint32_t>(trial));
    if (each.low <= truth && truth <= each.high) ++held;
  }
  return static_cast<double>(held) / trials;
}

void print(const char* what, std::size_t n, double found, double expected) {
  std::printf("coverage of 95 %% intervals: %-34s n = %2zu  found %.4f, expected %.4f\n", what, n,
              found, expected);
}

TEST(Coverage, StudentTIsExactForNormalValues) {
  constexpr int kTrials = 20000;
  for (const std::size_t n : kSizes) {
    const double found = coverage(kTrials, 0.3, [&](std::uint32_t trial) {
      return student_t_interval(mean_and_spread(normal_values(trial, n, 0.3)), kLevel95);
    });
    print("Student's t", n, found, kLevel95);
    EXPECT_NEAR(found, kLevel95, binomial_error(kLevel95, kTrials)) << n;
  }
}

// A negative control: the normal quantile in place of Student's has to be caught at n = 3, 5, 10.
TEST(Coverage, NormalQuantilesCoverTooLittle) {
  constexpr int kTrials = 20000;
  for (const std::size_t n : {3u, 5u, 10u}) {
    const double found = coverage(kTrials, 0.3, [&](std::uint32_t trial) {
      const MeanAndSpread sample = mean_and_spread(normal_values(trial, n, 0.3));
      const double half = 1.959964 * sample.sd / std::sqrt(static_cast<double>(n));
      return Interval{sample.mean - half, sample.mean + half};
    });
    EXPECT_LT(found, kLevel95 - binomial_error(kLevel95, kTrials)) << n;
  }
}

// For normal values the bootstrap's distribution of the mean is normal up to the resampling, with
// the spread of n in place of n - 1: it covers P(|t| < z sqrt((n - 1) / n)). That is why Student's
// t has its place up to 20 values.
TEST(Coverage, BootstrapCoversWhatItsSpreadAllows) {
  constexpr int kTrials = 1000;
  const double z = boost::math::quantile(boost::math::normal(), 0.975);
  for (const std::size_t n : {3u, 5u, 10u, 20u, 21u, 40u}) {
    const auto size = static_cast<double>(n);
    const boost::math::students_t t(size - 1);
    const double expected =
        1 - 2 * boost::math::cdf(boost::math::complement(t, z * std::sqrt((size - 1) / size)));
    std::vector<BootstrapMean> trials;
    for (std::uint32_t trial = 0; trial < kTrials; ++trial)
      trials.emplace_back(normal_values(trial, n, 0.3), 999);
    for (const bool bca : {false, true}) {
      const double found = coverage(kTrials, 0.3, [&](std::uint32_t trial) {
        return bca ? trials[trial].bca(kLevel95) : trials[trial].percentile(kLevel95);
      });
      print(bca ? "BCa bootstrap" : "percentile bootstrap", n, found, expected);
      // Resamples of fewer values are far from normal: printed, not held.
      if (n < 10) continue;
      EXPECT_NEAR(found, expected, binomial_error(expected, kTrials)) << n;
    }
  }
}

// Exactly, by enumeration: no simulation error to allow for.
TEST(Coverage, ClopperPearsonHoldsForEveryShare) {
  for (const std::size_t n : kSizes) {
    double least = 1;
    for (int percent = 1; percent < 100; ++percent) {
      const double share = percent / 100.0;
      double held = 0;
      const boost::math::binomial distribution(static_cast<double>(n), share);
      for (std::size_t x = 0; x <= n; ++x) {
        const Interval each =
            clopper_pearson({static_cast<std::int64_t>(x), static_cast<std::int64_t>(n)}, kLevel95);
        if (each.low <= share && share <= each.high)
          held += boost::math::pdf(distribution, static_cast<double>(x));
      }
      least = std::min(least, held);
    }
    print("Clopper-Pearson, the least", n, least, kLevel95);
    EXPECT_GE(least, kLevel95) << n;
  }
}

// Over trinomials: pairs where the first alone, the second alone, or both alike have the outcome.
TEST(Coverage, AnIntervalOfAPairedDifferenceHoldsForEveryPairOfShares) {
  for (const std::int64_t n : {3, 5, 8, 20}) {
    double least = 1;
    for (int p = 0; p <= 100; p += 10)
      for (int q = 0; p + q <= 100; q += 10) {
        const double first = p / 100.0, second = q / 100.0, rest = 1 - first - second;
        double held = 0;
        for (std::int64_t x = 0; x <= n; ++x)
          for (std::int64_t y = 0; x + y <= n; ++y) {
            const Interval each = paired_difference_interval({x, y, n}, 1 - kLevel95);
            if (each.low > first - second || first - second > each.high) continue;
            const auto power = [](double base, std::int64_t k) {
              return k == 0 ? 1.0 : std::pow(std::max(0.0, base), static_cast<double>(k));
            };
            const auto log_factorial = [](std::int64_t k) {
              return std::lgamma(static_cast<double>(k) + 1);
            };
            const double ways = std::exp(log_factorial(n) - log_factorial(x) - log_factorial(y) -
                                         log_factorial(n - x - y));
            held += ways * power(first, x) * power(second, y) * power(rest, n - x - y);
          }
        least = std::min(least, held);
      }
    print("paired difference of shares, the least", static_cast<std::size_t>(n), least, kLevel95);
    EXPECT_GE(least, kLevel95) << n;
  }
}

// Exact for continuous values at the levels that ranks have; no less for values on a grid, which
// tie.
TEST(Coverage, SignedRankCoversAtLeastItsLevel) {
  constexpr int kTrials = 4000;
  for (const std::size_t n : {8u, 12u, 20u})
    for (const bool grid : {false, true}) {
      const double found = coverage(kTrials, 0.3, [&](std::uint32_t trial) {
        std::vector<Interval> values;
        for (double value : normal_values(trial, n, 0)) {
          if (grid) value = std::round(value);
          values.push_back({0.3 + value, 0.3 + value});
        }
        return SignedRank(values).interval(1 - kLevel95);
      });
      print(grid ? "signed rank, tied values" : "signed rank", n, found, kLevel95);
      EXPECT_GE(found, kLevel95 - binomial_error(kLevel95, kTrials)) << n;
    }
}

// The true rate lies anywhere in its step of the grid: bounds of the step hold the truth at least
// as often. A negative control: their lower ends taken for the rates themselves do not.
TEST(Coverage, BoundsOfAGridCoverAtLeastTheirLevel) {
  constexpr int kTrials = 4000;
  constexpr double kTruth = 0.7;
  const auto values = [&](std::uint32_t trial, bool with_bounds) {
    std::vector<Interval> list;
    for (const double z : normal_values(trial, 12, kTruth)) {
      const double low = std::floor(z);
      list.push_back({low, with_bounds ? low + 1 : low});
    }
    return list;
  };
  for (const bool with_bounds : {true, false}) {
    const double found = coverage(kTrials, kTruth, [&](std::uint32_t trial) {
      return SignedRank(values(trial, with_bounds)).interval(1 - kLevel95);
    });
    print(with_bounds ? "bounds of a grid" : "lower ends of a grid", 12, found, kLevel95);
    if (with_bounds)
      EXPECT_GE(found, kLevel95);
    else
      EXPECT_LT(found, kLevel95 - binomial_error(kLevel95, kTrials));
  }
}

// Of three parts the smallest, where they are equal (the upper end's worst case) and apart.
TEST(Coverage, TheSmallestPartsIntervalCoversAtLeastItsLevel) {
  constexpr int kTrials = 4000;
  for (const double spacing : {0.0, 0.5, 5.0}) {
    const double found = coverage(kTrials, 0.0, [&](std::uint32_t trial) {
      std::vector<Part> parts;
      for (std::uint32_t part = 0; part < 3; ++part)
        parts.push_back(
            mean_part("", normal_values(3 * trial + part, 8, part * spacing), Json::object()));
      return smallest(parts, 1 - kLevel95);
    });
    print("smallest of three parts", 8, found, kLevel95);
    EXPECT_GE(found, kLevel95 - binomial_error(kLevel95, kTrials)) << spacing;
  }
}

// Survival at one time before any censoring is a binomial share, and the interval follows from the
// share: its coverage can be enumerated, and a simulation through kaplan_meier must find it. Where
// all or none survive there is no interval; those count as holding here.
TEST(Coverage, KaplanMeierIsWhatEnumerationSays) {
  constexpr int kTrials = 4000, kTime = 10;
  constexpr double kSurvival = 0.6;
  for (const std::size_t n : kSizes) {
    const auto interval_at = [&](const std::vector<Lifetime>& lives) -> Interval {
      Interval last{0, 1};
      for (const SurvivalStep& step : kaplan_meier(lives, kLevel95))
        if (step.step <= kTime && step.interval) last = *step.interval;
      return last;
    };
    const double found = coverage(kTrials, kSurvival, [&](std::uint32_t trial) {
      std::vector<Lifetime> lives;
      for (std::uint32_t i = 0; i < n; ++i) {
        const PhiloxWords words = philox4x32_10({{trial, i, 0, 7}}, {2026, 98});
        const bool dies = unit_open(words.v[0]) > kSurvival;
        lives.push_back({dies ? kTime : 2 * kTime, dies});
      }
      return interval_at(lives);
    });
    double expected = 0;
    const boost::math::binomial distribution(static_cast<double>(n), kSurvival);
    for (std::size_t alive = 0; alive <= n; ++alive) {
      const double share = static_cast<double>(alive) / static_cast<double>(n);
      const double half = 1.959964 * std::sqrt((1 - share) / (share * static_cast<double>(n))) /
                          std::fabs(std::log(share));
      const bool holds = alive == 0 || alive == n ||
                         (std::pow(share, std::exp(half)) <= kSurvival &&
                          kSurvival <= std::pow(share, std::exp(-half)));
      if (holds) expected += boost::math::pdf(distribution, static_cast<double>(alive));
    }
    print("Kaplan-Meier, log-log, at S = 0.6", n, found, expected);
    EXPECT_NEAR(found, expected, binomial_error(std::max(0.5, expected), kTrials)) << n;
  }
}

}  // namespace
}  // namespace dtbench
