"""What a matrix may cost: `matrix --budget` and `plan`, beside a stand-in for the engine. The times
that predictions build on are put into the account of the calibrations, so they are known exactly."""

import http.server
import json
import signal
import threading

import pytest
from conftest import BIN, refused
from sweeps import said, states

CELLS = ["--scenario", "A", "--scenario", "C", "--policy", "fp32_true", "--policy", "fp16_naive",
         "--preset", "tiny", "--set", "train.steps=30"]
PRICE = ["--price-per-hour", "36"]  # a cent a second
KINDS = ["A fp32_true", "A fp16_naive", "C fp16_naive", "C fp32_true"]
STEP_S = 0.025  # of the stand-in, as it records them


def account(sweeps):
    """Every line of the account."""
    return [json.loads(line) for file in (sweeps.folder / "runs/.sweep/ledger").glob("*.jsonl")
            for line in file.read_text().splitlines()]


def pretend(sweeps, seconds):
    """Calibrates, and puts down that each cell would take so long; what that cost in USD."""
    assert sweeps.run(*CELLS, command="plan").returncode == 0
    sweeps.started()
    lines = []
    for spec in (sweeps.folder / "runs/.sweep/calibration").glob("*/spec.json"):
        content = json.loads(spec.read_text())
        assert content["train"]["steps"] == 8
        kind = f"{content['scenario']} {content['policy']['name']}"
        wall_s = seconds[kind] - 22 * STEP_S  # 8 steps instead of 30
        lines.append({"attempt": len(lines), "cell": f"calibration/{spec.parent.name}",
                      "wall_s": wall_s, "device_s": wall_s})
    assert len(lines) == 4
    folder = sweeps.folder / "runs/.sweep/ledger"
    for file in folder.glob("*.jsonl"):
        file.unlink()
    (folder / "pretended.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return sum(line["device_s"] for line in lines) / 100


def test_what_a_dry_run_predicts(sweeps):
    pretend(sweeps, dict(zip(KINDS, [10, 20, 30, 40])))
    process = sweeps.run(*CELLS, *PRICE, "--seeds", 2, "--jobs", 2, "--dry-run", "--json")
    answer = json.loads(process.stdout)
    for cell in answer["cells"]:
        seconds = dict(zip(KINDS, [10, 20, 30, 40]))[cell["name"].split(" seed")[0]]
        assert cell["seconds"] == pytest.approx(seconds)
        assert cell["usd"] == pytest.approx(seconds / 100 / 2)  # half of the device
    assert answer["total"]["hours"] == pytest.approx(200 / 2 / 3600)
    assert answer["total"]["usd"] == pytest.approx(1.00)


def test_plan_tells_how_many_seeds_and_steps_a_budget_affords(sweeps):
    spent = pretend(sweeps, dict(zip(KINDS, [10, 20, 30, 40])))
    budget = spent + 5.1005  # half a step more, away from rounding
    process = sweeps.run(*CELLS, *PRICE, "--budget", budget, "--json", command="plan")
    plan = json.loads(process.stdout)
    assert sweeps.started() == []  # everything is known
    assert plan["device_s_of_a_seed"] == pytest.approx(100)
    assert plan["usd_of_a_seed"] == pytest.approx(1.00)
    assert plan["usd_spent"] == pytest.approx(spent)
    assert plan["seeds_that_fit"] == 5
    # 510 s less what is not steps (100 s - 4 x 30 steps), over four cells' steps.
    assert plan["steps_that_fit"] == int((510 - 100) / (4 * STEP_S)) + 30
    text = said(sweeps.run(*CELLS, *PRICE, "--budget", budget, command="plan").stdout)
    assert "1.00 USD per seed" in text
    assert f"{budget:.2f} USD, of which {spent:.2f} are spent, pays for 5 seeds of this length" in text


def test_plan_counts_what_could_not_be_calibrated(sweeps):
    process = sweeps.run(*CELLS, "--json", command="plan", does={"A fp32_true": "crash"})
    assert process.returncode == 0
    assert json.loads(process.stdout)["unknown"] == ["A fp32_true seed 0"]
    none = sweeps.run("--scenario", "A", "--policy", "bf16_kahan", "--preset", "tiny", command="plan",
                      does={"A bf16_kahan": "crash"})
    assert none.returncode == 4 and "No kind of cell could be calibrated" in none.stderr


def test_every_cell_has_its_first_seed_before_any_has_its_second(sweeps):
    spent = pretend(sweeps, dict(zip(KINDS, [10, 500, 10, 10])))
    process = sweeps.run(*CELLS, *PRICE, "--seeds", 2, "--budget", spent + 1, "--json")
    assert process.returncode == 0, process.stderr
    assert sweeps.started() == [f"{kind} from step 0" for kind in (KINDS[0], *KINDS[2:])]
    ends = states(process)
    # The expensive one keeps all second seeds waiting, though there was money for some.
    assert [name for name, state in ends.items() if state == "left out"] == [
        "A fp16_naive seed 0", "A fp16_naive seed 1", "A fp32_true seed 1", "C fp32_true seed 1",
        "C fp16_naive seed 1"]
    text = said(sweeps.run(*CELLS, *PRICE, "--seeds", 2, "--budget", spent + 1).stdout)
    assert "The budget does not pay for 5 of 8 cells, which were left out: A fp16_naive seed 0," in text


def test_cells_that_run_at_the_same_time_share_the_budget(sweeps):
    spent = pretend(sweeps, dict.fromkeys(KINDS, 100))
    # Pays for one and a half cells at a time, and what is over when one ends pays for the next.
    process = sweeps.start(*CELLS, *PRICE, "--jobs", 2, "--budget", spent + 0.75,
                           does={"A fp32_true": "wait"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert sweeps.started() == ["A fp32_true from step 0"]


def test_a_budget_that_affords_nothing(sweeps):
    spent = pretend(sweeps, dict.fromkeys(KINDS, 100))
    process = sweeps.run(*CELLS, *PRICE, "--budget", spent + 0.99)
    assert process.returncode == 2
    assert ("pays for none of the 4 cells: the cheapest is predicted to take 1 min 40 s, at a cost of 1.00 USD"
            in process.stderr)
    assert sweeps.started() == []
    assert sweeps.run(*CELLS, *PRICE, "--budget", spent + 1.01).returncode == 0


def test_plan_says_why_nothing_could_be_calibrated(sweeps):
    """Where not even the data is there, no engine starts and there is no record to look at."""
    process = sweeps.run("--scenario", "C", "--policy", "fp32_true", "--preset", "tiny", "--data",
                         "nowhere.jsonl", command="plan")
    assert process.returncode == 2
    assert "No kind of cell could be calibrated. C fp32_true seed 0: data.source: expected a file" in (
        process.stderr)


def test_a_failed_calibration_is_tried_once_and_said_once(sweeps):
    """Of a kind with three cells, beside one that can be calibrated."""
    process = sweeps.run("--scenario", "A", "--policy", "fp32_true", "--policy", "fp16_naive", "--preset",
                         "tiny", "--seeds", 3, *PRICE, "--budget", 100, does={"A fp16_naive": "refuse"})
    starts = sweeps.started()
    assert starts.count("A fp16_naive from step 0") == 1 and starts.count("A fp32_true from step 0") == 4
    lines = [line for line in process.stdout.splitlines() if "is not to be had" in line]
    names = ", ".join(f"A fp16_naive seed {seed}" for seed in range(3))
    assert len(lines) == 1 and lines[0].startswith(f"left out: {names}: its cost is unknown"), process.stdout
    assert "does not pay for" not in said(process.stdout)


def test_data_that_cannot_be_had_fails_once(sweeps):
    """One server, which notes each request, for calibrations and cells alike."""
    asked = []
    (sweeps.program.parent / "libdtbench_hub.so").symlink_to(BIN / "libdtbench_hub.so")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        process = sweeps.run("--scenario", "A", "--preset", "tiny", "--policy", "fp32_true", "--policy",
                             "fp16_naive", "--seeds", 3, *PRICE, "--budget", 100, "--data",
                             "hf://datasets/owner/texts", HF_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
                             HF_HUB_CACHE=str(sweeps.folder / "hub"))
        server.shutdown()
    assert process.returncode == 4 and sweeps.started() == []
    assert len(asked) == 1, asked
    assert process.stdout.count("owner/texts") + process.stderr.count("owner/texts") >= 1
    failed = [line for line in process.stdout.splitlines() if line.startswith("failed: ")]
    assert len(failed) <= 1, process.stdout


def test_a_calibration_is_told_and_watched(sweeps):
    process = sweeps.start(*CELLS, *PRICE, "--budget", 1, does={"A fp32_true": "wait"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2, out="runs/.sweep/calibration")
    watch = sweeps.start("runs", command="watch")
    lines = [watch.stderr.readline()]
    while "cells" not in lines[-1]:
        lines.append(watch.stderr.readline())
    assert "4 cells, 0 of them already done" in lines[-1]
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert "calibration: training 4 cells for at most 8 steps to predict the others' cost" in told
    _, rest = watch.communicate(timeout=60)
    assert watch.returncode == 0 and rest.splitlines()[-1].endswith("; calibration"), rest


def test_watch_takes_the_budget_that_was_said_last(sweeps):
    for budget in (10, 20, 15):
        assert sweeps.run(*CELLS, *PRICE, "--budget", budget).returncode == 0
        next((sweeps.folder / "runs").glob("*/result.json")).unlink()  # so that one is left to do
    assert " of 15.00 spent" in sweeps.run("runs", command="watch").stderr


def test_a_budget_that_does_not_pay_for_its_calibration(sweeps):
    process = sweeps.run(*CELLS, *PRICE, "--budget", "0.001", step_s=0.1)
    assert process.returncode == 2
    assert "pays for none of the 4 cells: calibration alone cost more" in process.stderr
    assert len(sweeps.started()) < 4  # calibrations end with the money, too


def test_time_is_counted_across_interruptions(sweeps):
    one = CELLS[:2] + CELLS[4:6] + CELLS[8:]
    process = sweeps.start(*one, *PRICE, does={"A fp32_true": "wait"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    [first] = account(sweeps)
    process = sweeps.run(*one, *PRICE, "--json")
    both = account(sweeps)
    assert len(both) == 2 and first in both
    answer = json.loads(process.stdout)
    assert answer["device_s"] == pytest.approx(sum(line["device_s"] for line in both))
    assert answer["spent_usd"] == pytest.approx(answer["device_s"] / 100)


def test_time_of_a_process_that_was_killed_is_counted(sweeps):
    one = CELLS[:2] + CELLS[4:6] + CELLS[8:]
    process = sweeps.start(*one, "--lease-seconds", "1", does={"A fp32_true": "wait"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)
    sweeps.wait_for(lambda: account(sweeps), "heartbeat")
    process.kill()
    process.communicate()
    before = max(line["device_s"] for line in account(sweeps))
    answer = json.loads(sweeps.run(*one, "--json").stdout)
    assert answer["device_s"] > before > 0


def test_a_damaged_account_is_named(sweeps):
    assert sweeps.run(*CELLS).returncode == 0
    (sweeps.folder / "runs/.sweep/ledger/foreign.jsonl").write_text("spent: a lot\n")
    refused(sweeps.run(*CELLS, *PRICE), "foreign.jsonl", "is damaged")
