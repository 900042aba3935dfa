"""test_runs.py with weights of the published shapes (GPT-2 124M, RoBERTa-base 125M), by hand, since
it takes minutes and 3 GB: every scenario from an empty cache, and again offline.

    DTBENCH_SOURCE=. DTBENCH_BIN=build/test/bin python tests/real_data/published_shapes.py [A ... F]
"""

import pathlib
import sys
import tempfile
import time

from conftest import Bench, ok
from published import PUBLISHED_SHAPE, publish
from stand_in_hub import StandInHub

SHORT = ["--policy", "fp32_true", "--length", "64", "--steps", "2", "--batch", "2",
         "--set", "train.eval_examples=4"]


def compare(bench, scenario):
    seconds = {}
    for name, changes in (("online", {}), ("offline", {"HF_HUB_OFFLINE": "1"})):
        started = time.monotonic()
        ok(bench("run", "--scenario", scenario, *SHORT, "--out", f"{scenario}-{name}", **changes))
        seconds[name] = time.monotonic() - started
    online, offline = (bench.record(f"{scenario}-{name}") for name in ("online", "offline"))
    assert online["losses"] == offline["losses"]
    assert online["result"]["data"]["fingerprint"] == offline["result"]["data"]["fingerprint"]
    model = online["audit"]["model"]
    print(f"{scenario}: {model['parameters']:,} parameters, newly drawn {model['newly_drawn']}, "
          f"{len(model['ignored_tensors'])} tensors ignored; losses {online['losses']} online and "
          f"offline; {seconds['online']:.0f} s and {seconds['offline']:.0f} s", flush=True)


def main():
    hub = StandInHub()
    publish(hub, PUBLISHED_SHAPE)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(hub, pathlib.Path(folder))
        for scenario in sys.argv[1:] or "ABCDEF":
            compare(bench, scenario)
    hub.close()


if __name__ == "__main__":
    main()
