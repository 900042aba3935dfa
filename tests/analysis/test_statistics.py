"""Our statistics against SciPy's and statsmodels', on random data and where they degenerate."""

import json
import math
import os
import pathlib
import subprocess

import numpy as np
import pytest
import scipy.stats as st
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

PROBE = pathlib.Path(os.environ["DTBENCH_BIN"]) / "statistics_probe"
EPS = np.finfo(float).eps
# Both sides evaluate incomplete beta and gamma functions, or their inverses, whose documented
# errors are some hundred units in the last place.
SPECIAL = dict(rel=2000 * EPS, abs=2000 * EPS)


def ask(*requests):
    text = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([PROBE], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def samples():
    """Seeded samples of 2 to 60 values: normal, skewed, heavy-tailed, with ties, far from 0."""
    random = np.random.default_rng(7)
    for n in (2, 3, 5, 10, 20, 21, 40, 60):
        yield random.normal(0.3, 2, n)
        yield random.lognormal(0, 1, n) - 1
        yield random.standard_t(2, n)
        yield random.integers(-2, 3, n).astype(float) + np.arange(n) % 2  # ties, never all equal
        yield random.normal(1e6, 1, n)


# --- means ----------------------------------------------------------------------------------------

def mean(values, bound=0.0, level=0.95):
    (answer,) = ask({"what": "mean", "values": list(values), "bound": bound, "level": level})
    return answer


@pytest.mark.parametrize("values", [x for x in samples() if len(x) <= 20], ids=len)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_student_t(values, level):
    bound = float(np.mean(values)) - 0.4 * float(np.std(values))
    ours = mean(values, bound, level)
    theirs = st.ttest_1samp(values, bound, alternative="greater")
    # Sums of n values, and of n squares of differences that cancel.
    size = float(np.max(np.abs(values)))
    rounding = len(values) * EPS * size
    assert ours["method"] == "student_t"
    assert ours["mean"] == pytest.approx(np.mean(values), abs=rounding)
    assert ours["sd"] == pytest.approx(np.std(values, ddof=1), rel=len(values) * EPS, abs=rounding)
    relative = max(SPECIAL["rel"], 10 * rounding / float(np.std(values, ddof=1)))
    low, high = st.ttest_1samp(values, 0).confidence_interval(level)
    assert ours["interval"] == pytest.approx([low, high], rel=relative, abs=10 * rounding)
    # The condition of a tail: d log p / d log t is below t^2 + n.
    tail = relative * (theirs.statistic**2 + len(values))
    assert ours["p_above"] == pytest.approx(theirs.pvalue, rel=tail)
    assert ours["p_below"] == pytest.approx(
        st.ttest_1samp(values, bound, alternative="less").pvalue, rel=tail)


def test_a_mean_of_one_value_has_no_interval():
    ours = mean([0.25])
    assert (ours["mean"], ours["sd"], ours["interval"]) == (0.25, "NaN", None)
    assert (ours["p_above"], ours["p_below"]) == (1, 1)


def test_a_mean_of_no_values():
    assert (mean([])["mean"], mean([])["interval"]) == ("NaN", None)


@pytest.mark.parametrize("n", [2, 5, 30])
@pytest.mark.parametrize("value", [0.1, -1 / 3, 0.0, 1e300])
def test_equal_values_have_no_spread(n, value):
    ours = mean([value] * n, bound=value)
    assert (ours["mean"], ours["sd"], ours["interval"]) == (value, 0, [value, value])
    assert (ours["p_above"], ours["p_below"]) == (1, 1)  # SciPy has NaN here
    assert mean([value] * n, bound=value - 1 - abs(value))["p_above"] == 0
    assert mean([value] * n, bound=value + 1 + abs(value))["p_below"] == 0


def test_the_bootstrap_begins_above_20_values():
    random = np.random.default_rng(1)
    assert mean(random.normal(size=20))["method"] == "student_t"
    assert mean(random.normal(size=21))["method"] == "bca_bootstrap"


class OurDraws(np.random.Generator):
    """Gives SciPy's bootstrap the indices that ours draws."""

    def __init__(self, rows):
        super().__init__(np.random.PCG64())
        self.rows = rows

    def integers(self, low, high=None, size=None, **_):
        assert (low, high) == (0, len(self.rows[0])) and size == np.shape(self.rows)
        return np.array(self.rows)


@pytest.mark.parametrize("values", list(samples()), ids=len)
def test_bootstrap_intervals_are_scipys_on_the_same_draws(values):
    n, resamples = len(values), 999
    (rows,) = ask({"what": "draws", "resamples": resamples, "n": n})
    for level in (0.8, 0.95):
        (ours,) = ask({"what": "bootstrap", "values": list(values), "resamples": resamples,
                       "level": level, "bound": 0.0})
        for method in ("percentile", "BCa"):
            theirs = st.bootstrap((values,), np.mean, n_resamples=resamples, batch=resamples,
                                  confidence_level=level, method=method, vectorized=True,
                                  rng=OurDraws(rows)).confidence_interval
            # Means differ by the rounding of n additions; a place among 999 by that of a quantile.
            rounding = 2 * n * EPS * np.max(np.abs(values)) + 2000 * EPS * np.ptp(values) * resamples
            assert ours[method.lower()] == pytest.approx([theirs.low, theirs.high], abs=rounding)


def test_draws_are_even_and_independent_of_each_other():
    n, resamples = 25, 4000
    (rows,) = ask({"what": "draws", "resamples": resamples, "n": n})
    counts = np.bincount(np.ravel(rows), minlength=n)
    assert len(counts) == n
    assert st.chisquare(counts).pvalue > 1e-4
    first, second = np.array(rows)[:, 0], np.array(rows)[:, 1]
    assert st.chi2_contingency(np.histogram2d(first, second, bins=5)[0]).pvalue > 1e-4


@pytest.mark.parametrize("skewed", [True, False])
def test_a_bootstrap_p_value_is_the_level_of_the_interval_that_ends_at_the_bound(skewed):
    random = np.random.default_rng(3)
    values = list(random.lognormal(0, 1, 30) if skewed else random.normal(0, 1, 30))
    # Skew pushes the limits of 0.99 out to the last few of 10,000 resamples, where ranks are coarse.
    for level in (0.5, 0.9) if skewed else (0.5, 0.9, 0.99):
        (interval,) = ask({"what": "bootstrap", "values": values, "resamples": 10000,
                           "level": level, "bound": 0})
        low, high = interval["bca"]
        (at_low, at_high) = ask(*[{"what": "bootstrap", "values": values, "resamples": 10000,
                                   "level": level, "bound": bound} for bound in (low, high)])
        # Ranks are resolved to one of 10,000 resamples, and normal_quantile stretches them by less
        # than 4 within these levels.
        assert at_low["p_above"] == pytest.approx((1 - level) / 2, abs=4 / 10000)
        assert at_high["p_below"] == pytest.approx((1 - level) / 2, abs=4 / 10000)


@pytest.mark.parametrize("sd, distance", [(1, 2), (1, 0.5), (0.3, 0.1), (2, 0.7)])
def test_values_needed_have_the_power_asked_for(sd, distance):
    (n,) = ask({"what": "values_needed", "sd": sd, "distance": distance, "alpha": 0.05,
                "power": 0.8, "largest": 1000})

    def power(count):
        limit = st.t.isf(0.025, count - 1)
        return st.nct.sf(limit, count - 1, distance / sd * math.sqrt(count))

    # t quantiles in place of the noncentral t's: conservative by a few percent at small n.
    assert power(n) > 0.78
    assert n <= 3 or power(n - 2) < 0.8


def test_values_needed_without_spread_and_without_hope():
    ask_for = {"what": "values_needed", "alpha": 0.05, "power": 0.8, "largest": 50}
    assert ask(ask_for | {"sd": 0, "distance": 0.1}, ask_for | {"sd": 1, "distance": 0.01},
               ask_for | {"sd": 1, "distance": 0}) == [2, 0, 0]


# --- proportions ----------------------------------------------------------------------------------

def proportions(first, pairs=(0, 0, 1), level=0.95):
    return {"what": "proportions", "first": first, "pairs": pairs, "level": level}


def test_clopper_pearson():
    cases = [(x, n, level) for n in (1, 2, 3, 5, 10, 20, 37, 400) for level in (0.9, 0.95, 0.999)
             for x in range(0, n + 1, max(1, n // 20))]
    answers = ask(*[proportions((x, n), level=level) for x, n, level in cases])
    for (x, n, level), ours in zip(cases, answers, strict=True):
        theirs = proportion_confint(x, n, alpha=1 - level, method="beta")
        assert ours["clopper_pearson"] == pytest.approx(theirs, **SPECIAL), (x, n, level)


def test_a_proportion_of_nothing():
    (ours,) = ask(proportions((0, 0)))
    assert ours["clopper_pearson"] == [0, 1]


def test_an_interval_of_a_paired_difference():
    for first, second, n in [(10, 0, 10), (3, 3, 10), (0, 0, 5), (1, 0, 8), (0, 8, 8), (12, 2, 40)]:
        (ours,) = ask(proportions((0, 1), (first, second, n)))
        each = 0.05 / 2  # Bonferroni over the two discordant shares
        a, b = (proportion_confint(k, n, alpha=each, method="beta") for k in (first, second))
        assert ours["difference"] == pytest.approx([a[0] - b[1], a[1] - b[0]], **SPECIAL)


def test_a_paired_difference_of_nothing():
    assert ask(proportions((0, 0), (0, 0, 0)))[0]["difference"] == [-1, 1]


# --- signed ranks ---------------------------------------------------------------------------------

def signed_rank(differences, alpha=0.05):
    (answer,) = ask({"what": "signed_rank", "alpha": alpha,
                     "differences": [list(d) for d in differences]})
    return answer


@pytest.mark.parametrize("n", [6, 8, 9, 15, 30])
@pytest.mark.parametrize("alpha", [0.049, 0.0167])
def test_the_interval_inverts_the_exact_signed_rank_test(n, alpha):
    values = np.random.default_rng(n).normal(0.4, 1, n)
    low, high = signed_rank([(v, v) for v in map(float, values)], alpha)["interval"]

    def p(bound, alternative):
        return st.wilcoxon(values - bound, alternative=alternative, method="exact").pvalue

    if low == "-Infinity":
        assert p(values.min() - 1, "greater") > alpha / 2
        return
    assert p(low - 1e-9, "greater") <= alpha / 2 < p(low + 1e-9, "greater")
    assert p(high + 1e-9, "less") <= alpha / 2 < p(high - 1e-9, "less")


def test_ranks_of_few_values_decide_nothing():
    assert signed_rank([(1.0, 1.0)] * 5)["interval"] == ["-Infinity", "Infinity"]
    assert signed_rank([(1.0, 1.0)] * 6)["interval"] == [1, 1]
    assert signed_rank([])["estimate"] is None


def test_bounds_widen_the_interval_and_hold_that_of_every_value_within_them():
    random = np.random.default_rng(3)
    for _ in range(20):
        centres = random.integers(-3, 4, 12).astype(float)
        widths = random.choice([0.5, 1.0], 12)
        low, high = signed_rank(zip(centres - widths, centres + widths))["interval"]
        for share in (0.0, 0.3, 1.0):
            inside = [(v, v) for v in centres + widths * (2 * share - 1)]
            there = signed_rank(inside)["interval"]
            assert low <= there[0] and there[1] <= high


def test_a_censored_difference_leaves_its_end_open():
    known = [(2.0, 3.0)] * 7
    assert signed_rank([*known, ("-Infinity", 3.0)])["interval"] == ["-Infinity", 3]
    more = signed_rank([*known * 3, ("-Infinity", 3.0)])
    assert more["interval"] == [2, 3]  # one of 22 is not enough
    assert more["estimate"] == 2.5


# --- planning -------------------------------------------------------------------------------------

def power(parts, n, alpha=0.05, sd=0.0155, distance=0.01, reach=0.8):
    (answer,) = ask({"what": "power", "parts": parts, "sd": sd, "distance": distance,
                     "alpha": alpha, "n": n, "power": reach})
    return answer


def one_part(n, alpha=0.05):
    """Exactly, by the noncentral t."""
    t = st.t.isf(alpha / 2, n - 1)
    return st.nct.sf(t, n - 1, 0.01 / 0.0155 * math.sqrt(n))


ERROR = 4 * math.sqrt(0.25 / 1000)  # four deviations of a share of the simulated studies


def test_the_power_of_one_part_is_that_of_the_noncentral_t():
    for n in (8, 20, 40):
        assert power([(0, 1)], n)["power"] == pytest.approx(one_part(n), abs=ERROR)
    assert one_part(20) == pytest.approx(0.79, abs=0.01)  # as the issue has it


def test_parts_of_other_blocks_are_independent():
    assert power([(0, 1), (1, 1)], 20)["power"] == pytest.approx(one_part(20) ** 2, abs=ERROR)


def test_the_joint_power_of_six_parts():
    parts = [(0, 1)] * 3 + [(1, -1), (1, 1), (1, 1)]
    found = power(parts, 20, alpha=0.05 / 3)
    random = np.random.default_rng(9)
    holds = np.ones(4000, bool)  # by NumPy, in other words: differences that share their reference
    for signs in ((1, 1, 1), (-1, 1, 1)):
        reference = random.normal(0, 0.0155 / math.sqrt(2), (4000, 20))
        for sign in signs:
            policy = random.normal(0, 0.0155 / math.sqrt(2), (4000, 20))
            t = st.ttest_1samp(0.01 + sign * (policy - reference), 0, axis=1).statistic
            holds &= t > st.t.isf(0.05 / 6, 19)
    assert found["power"] == pytest.approx(holds.mean(), abs=1.2 * ERROR)
    assert found["power"] < 0.25  # 20 seeds do not do
    assert 38 <= found["needed"] <= 52  # some 40 and more
    assert power(parts, found["needed"], alpha=0.05 / 3)["power"] >= 0.8


# --- survival -------------------------------------------------------------------------------------

def survival(lifetimes, level=0.95):
    (answer,) = ask({"what": "survival", "level": level,
                     "lifetimes": [[int(t), bool(e)] for t, e in lifetimes]})
    return answer


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")  # where S is 0
@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 20, 100])
@pytest.mark.parametrize("censored", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_kaplan_meier(n, censored, level):
    random = np.random.default_rng(n)
    times = random.integers(0, 12, n)  # ties
    events = random.random(n) >= censored
    ours = survival(zip(times, events), level)
    if not events.any():
        assert ours == []
        return
    data = st.CensoredData(uncensored=times[events], right=times[~events])
    curve = st.ecdf(data).sf
    limits = curve.confidence_interval(level, method="log-log")
    statsmodels = SurvfuncRight(times, events)
    assert [s["step"] for s in ours] == list(statsmodels.surv_times)
    assert [s["at_risk"] for s in ours] == list(statsmodels.n_risk)
    assert [s["events"] for s in ours] == list(statsmodels.n_events)
    rounding = dict(rel=4 * n * EPS, abs=4 * n * EPS)
    assert [s["survival"] for s in ours] == pytest.approx(list(statsmodels.surv_prob), **rounding)
    for step in ours:
        assert step["survival"] == pytest.approx(curve.evaluate(step["step"]), **rounding)
        if step["survival"] == 0:
            assert step["interval"] is None
        else:
            assert step["interval"] == pytest.approx(
                [float(limits.low.evaluate(step["step"])), float(limits.high.evaluate(step["step"]))],
                rel=2000 * n * EPS)


def test_all_dead_at_once_and_all_censored():
    (only,) = survival([(4, True)] * 6)
    assert only == {"step": 4, "at_risk": 6, "events": 6, "survival": 0, "interval": None}
    assert survival([(30, False)] * 6) == []


def test_an_event_comes_before_censoring_at_the_same_step():
    (only,) = survival([(4, False), (4, True), (4, False)])
    assert (only["at_risk"], only["survival"]) == (3, pytest.approx(2 / 3, rel=2 * EPS))


# --- several tests --------------------------------------------------------------------------------

def test_holm():
    random = np.random.default_rng(11)
    families = [[0.01, 0.04, 0.03], [1.0, 0.0, 0.5], [0.02, 0.02, 0.02], [0.2]]
    families += [list(random.random(k) ** 3) for k in (1, 2, 3, 7, 20)]
    answers = ask(*[{"what": "holm", "p_values": [float(p) for p in f]} for f in families])
    for family, ours in zip(families, answers, strict=True):
        theirs = multipletests(family, method="holm")[1]
        assert ours == pytest.approx(list(theirs), rel=2 * EPS)
