"""What the tests of verdicts share."""

import math

CUDA = {"device": "cuda"}
ALL_RATES = dict.fromkeys("CDEF", 3)
NO_CLAIM = {"E": 0, "F": 0, "C": 3, "D": 3}
STEP = math.log2(10)  # of the grid of RATES


def edited(configs, old, new, name="h1"):
    file = configs / "hypotheses" / f"{name}.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def agree(found):
    """The verdict is where the printed interval lies."""
    low, high = (float(str(found["interval"][end])) for end in ("low", "high"))
    threshold = found["interval"]["threshold"]
    side = "above" if low > threshold else "below" if high < threshold else "across"
    assert found["interval"]["side"] == side
    expected = {"above": {"supported", "supported (uncontrolled)", "confounded"},
                "below": {"refuted", "confounded"}, "across": {"undecided"}}[side]
    assert found["verdict"] in expected | {"undecided (interim)"}
    return side
