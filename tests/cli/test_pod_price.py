"""The price of a rented pod, asked of the platform's API: against one on loopback. And docker/stop-pod,
which asks it to stop the pod."""

import json
import os
import shutil
import subprocess
import time

import pytest
from conftest import BIN, SOURCE, refused
from stand_in_runpod import KEY, POD, StandInRunPod, problem
from sweeps import said

CELL = ["--scenario", "A", "--policy", "fp32_true", "--preset", "tiny", "--set", "train.steps=3"]


@pytest.fixture
def api():
    api = StandInRunPod()
    yield api
    api.close()


@pytest.fixture
def pod(sweeps, api):
    """`dtbench matrix` on a pod of that API."""
    shutil.copy(BIN / "libdtbench_hub.so", sweeps.program.parent)

    def run(*arguments, **changes):
        return sweeps.run(*CELL, *arguments, **api.environment(**changes))

    return run


def price(sweeps):
    """As the matrix noted it for who watches."""
    [file] = (sweeps.folder / "runs/.sweep/cells").glob("*.json")
    return json.loads(file.read_text())["price_per_hour"]


def nothing_shows_the_key(sweeps, process):
    assert KEY not in process.stdout + process.stderr
    found = subprocess.run(["grep", "-rl", KEY, sweeps.folder], capture_output=True, text=True, timeout=60)
    assert found.stdout == ""


def test_it_is_asked_once_and_said(sweeps, api, pod):
    process = pod("--budget", 5, "--json")
    assert process.returncode == 0, process.stderr
    assert process.stderr.count(f"price: 0.44 USD an hour, by RunPod's API for pod {POD}") == 1
    assert json.loads(process.stdout)["spent_usd"] > 0
    assert price(sweeps) == 0.44
    assert api.requests == [("GET", f"/v2/pods/{POD}", f"Bearer {KEY}", b"")]
    nothing_shows_the_key(sweeps, process)


def test_a_study_asks_once_for_all_stages(sweeps, api, pod):
    (sweeps.folder / "one.toml").write_text('scenarios = ["A"]\npolicies = ["fp32_true"]\nset.train.steps = 3\n')
    stage = '[[stage]]\nname = "{}"\npurpose = "p"\nmatrix = "one.toml"\n'
    (sweeps.folder / "two.toml").write_text('description = "d"\n' + stage.format("a") + stage.format("b"))
    process = sweeps.run("two.toml", "--preset", "tiny", "--device", "cpu", "--json", command="study",
                         **api.environment())
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["spent_usd"] > 0 and len(api.requests) == 1


def test_a_price_that_was_given_is_taken_and_nobody_asked(sweeps, api, pod):
    process = pod("--price-per-hour", "0.79")
    assert price(sweeps) == 0.79
    assert api.requests == [] and "price:" not in process.stderr


@pytest.mark.parametrize("missing", ["RUNPOD_API_KEY", "RUNPOD_POD_ID"])
def test_without_key_or_pod_nobody_is_asked(sweeps, api, pod, missing):
    process = pod(**{missing: ""})
    assert price(sweeps) is None
    assert api.requests == [] and "RunPod" not in process.stderr


def test_a_pod_of_several_gpus_says_so_and_a_cpu_costs_all_of_it(sweeps, api, pod):
    api.pod["gpu"]["count"], api.pod["cost"] = 4, 1.76
    assert "price: 1.76 USD an hour for 4 GPUs, by" in pod("--device", "cpu").stderr
    assert price(sweeps) == 1.76


def test_the_price_of_this_machine_is_not_that_of_another_card(api, pod):
    process = pod("--dry-run", "--device", "NVIDIA RTX A6000")
    assert process.returncode == 0, process.stderr
    assert api.requests == [] and "price:" not in process.stderr


def test_the_engine_is_told_for_the_record(sweeps, api, pod):
    engine = sweeps.program.parent / "dtbench-engine"
    engine.write_text(engine.read_text().replace(
        "steps_file = run", '(run / "arguments").write_text(" ".join(sys.argv))\nsteps_file = run', 1))
    pod()
    arguments = (sweeps.records()["A fp32_true seed 0"] / "arguments").read_text()
    assert "--price-per-hour 0.44" in arguments


GARBAGE = [
    ((200, {}, b"<html>" + b"x" * 5000), "its answer is no JSON object"),
    ((200, {}, b""), "its answer is no JSON object"), ((200, {}, b"{}"), "has no 'cost'"),
    ((200, {}, b'{"cost": 0.0, "status": "EXITED"}'), "a cost of 0"), ((200, {}, b"[" * 100_000), "no JSON object"),
    ((500, {}, b"oops"), "HTTP status 500"), (problem(404, "Not Found", "no"), "404 (it knows no such pod"),
    (problem(403, "Forbidden", KEY), "403 (the key may not read this pod)"),
    (problem(429, "Too Many Requests", "later"), "429 (it was asked too often)"),
    ((302, {"Location": "http://127.0.0.1:9/steal"}, b""), "HTTP status 302")]


@pytest.mark.parametrize("answer, says", GARBAGE)
def test_whatever_it_answers_the_cells_train(sweeps, api, pod, answer, says):
    api.answer = answer
    process = pod()
    assert process.returncode == 0, process.stderr
    assert price(sweeps) is None
    warnings = [line for line in process.stderr.splitlines() if line.startswith("warning: RunPod's API")]
    assert len(warnings) == 1 and says in warnings[0] and "--price-per-hour" in warnings[0]
    nothing_shows_the_key(sweeps, process)


def test_a_wrong_key(sweeps, api, pod):
    process = pod(RUNPOD_API_KEY="rpa_WRONG")
    assert "HTTP status 401 (it does not accept the key)" in process.stderr
    assert "rpa_WRONG" not in process.stdout + process.stderr


def test_with_a_budget_the_price_must_come_from_somewhere(api, pod):
    api.answer = problem(404, "Not Found", "resource not found")
    refused(pod("--budget", 3), "--budget needs --price-per-hour")


@pytest.mark.parametrize("fault", ["slow", "trickle"])
def test_it_is_waited_for_two_seconds(api, pod, fault):
    api.seconds, api.trickle = (60, False) if fault == "slow" else (0, True)
    begin = time.monotonic()
    process = pod("--dry-run")
    assert process.returncode == 0
    assert "RunPod's API did not tell" in process.stderr
    assert time.monotonic() - begin > 1.9  # the server would have taken a minute


@pytest.mark.parametrize("changes, says", [
    ({"RUNPOD_POD_ID": "../account"}, "RUNPOD_POD_ID cannot be a pod's id"),
    ({"RUNPOD_API_KEY": "two\nlines"}, "RUNPOD_API_KEY cannot be a key"),
    ({"RUNPOD_REST_V2_API_URL": "file:///etc"}, "did not tell"), ({"RUNPOD_REST_V2_API_URL": "http://127.0.0.1:9"}, "did not tell")])
def test_odd_settings(api, pod, changes, says):
    process = pod("--dry-run", "--json", **changes)
    assert process.returncode == 0 and says in process.stderr and api.requests == []


def test_a_build_without_the_plugin_says_so(sweeps, api):
    process = sweeps.run(*CELL, "--dry-run", **api.environment())
    assert process.returncode == 0 and "The network cannot be used" in said(process.stderr)


# --- docker/stop-pod ---


def stop_pod(api, **changes):
    return subprocess.run([SOURCE / "docker/stop-pod"], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"]} | api.environment(**changes))


def test_stop_pod_stops_it(api):
    process = stop_pod(api)
    assert (process.returncode, process.stdout) == (0, f"stop-pod: pod {POD} stops\n"), process.stderr
    assert api.pod["status"] == "EXITED"
    [(method, path, _, body)] = api.requests
    assert (method, path, json.loads(body)) == ("POST", f"/v2/pods/{POD}/action", {"action": "stop"})


def test_stop_pod_says_why_it_cannot(api):
    assert stop_pod(api, RUNPOD_API_KEY="").returncode == 2
    for changes, code, says in (({"RUNPOD_API_KEY": "rpa_WRONG"}, 4, "may not stop"),
                                ({"RUNPOD_POD_ID": "other"}, 4, "knows no pod other")):
        process = stop_pod(api, **changes)
        assert process.returncode == code and says in process.stderr and "WRONG" not in process.stderr
    api.may_stop = False  # a key that may read alone
    assert stop_pod(api).returncode == 4
    assert api.pod["status"] == "RUNNING"


def test_stop_pod_ends_a_matrix(sweeps, api, pod):
    """As docs/runpod.md has it: results first, then the pod."""
    process = pod("--on-finish", f"{sweeps.program} archive \"$FINISHED_OUT\" --to kept && {SOURCE}/docker/stop-pod",
                  PATH=os.environ["PATH"])
    assert process.returncode == 0, process.stderr
    assert "1 copied" in process.stderr and "--on-finish ended with exit code 0" in process.stderr
    assert api.pod["status"] == "EXITED" and len(list((sweeps.folder / "kept").glob("*/result.json"))) == 1
