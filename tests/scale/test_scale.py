"""The planning page's model: its counts are the program's, and it is held to real processes."""

import json
import os
import pathlib
import sys

import pytest

BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
SOURCE = pathlib.Path(os.environ["DTBENCH_SOURCE"])
sys.path.insert(0, str(SOURCE / "bench/scale"))

import counts  # noqa: E402

SCALE = BIN / "scale"


@pytest.fixture
def ground(tmp_path):
    return counts.Ground(BIN / "dtbench", tmp_path / "ground")


def test_a_step_asks_for_what_costs_json_says(ground):
    """When this fails, the scheduler asks more or less of a shared folder than docs/scale.md says:
    bench/scale/counts.py --write, and print its tables anew."""
    assert counts.measure(ground) == json.loads(counts.COSTS.read_text())


@pytest.mark.parametrize("processes, cells, seconds", [(1, 5, 0.1), (2, 12, 0.5), (4, 24, 0.5)])
def test_real_processes_ask_for_what_the_model_says(ground, processes, cells, seconds):
    real, model = counts.totals_beside(ground, SCALE, processes, cells, seconds)
    # One process has no choice. Several meet at other moments than in the model.
    assert model == pytest.approx(real, rel=0.05 if processes == 1 else 0.3)


def costs(folder, **steps):
    """A file of costs: nothing but these."""
    file = folder / "costs.json"
    file.write_text(json.dumps({step: steps.get(step, {}) for step in json.loads(counts.COSTS.read_text())}))
    return file


def simulated(folder, *arguments, **steps):
    return counts.simulated(SCALE, *arguments, costs=costs(folder, **steps))


def test_one_process_waits_for_each_operation(tmp_path):
    """Twenty reads of 1 ms and ten writes of 2 ms: 40 ms between cells."""
    case = simulated(tmp_path, "--gpus", 1, "--cells", 50, "--seconds", 10, "--read-ms", 1, "--write-ms", 2,
                     take={"open": 15, "rename": 4}, finish={"stat": 5, "write": 6})
    assert case["between_cells_s"] == pytest.approx(0.040)
    assert case["operations"] == 50 * 30


def test_a_server_works_off_no_more_than_its_rate(tmp_path):
    """A hundred processes start with 1,000 reads each, of which it does 10,000 a second: the last one
    starts after ten seconds, all of them after ten seconds at the latest and five on average or later."""
    case = simulated(tmp_path, "--gpus", 100, "--cells", 100, "--seconds", 1000, "--read-ms", 0.001,
                     "--reads-per-second", 10000, start={"stat": 1000})
    assert 5 <= case["first_cell_after_s"] <= 10.1
    fast = simulated(tmp_path, "--gpus", 100, "--cells", 100, "--seconds", 1000, "--read-ms", 0.001,
                     "--reads-per-second", 1e9, start={"stat": 1000})
    assert fast["first_cell_after_s"] == pytest.approx(0.001, rel=0.1)


def test_every_process_sees_every_cell(tmp_path):
    """Each takes some, and learns of all others that they are done: 3 processes, 30 cells."""
    case = simulated(tmp_path, "--gpus", 3, "--cells", 30, "--seconds", 100, take={"open": 1},
                     seen_done={"open": 1})
    assert case["steps"]["take"] == 30
    assert case["steps"]["seen_done"] == 2 * 30
