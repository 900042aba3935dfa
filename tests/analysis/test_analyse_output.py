"""What `dtbench analyse` prints, word for word, and the fields of its JSON: snapshots/NAME.txt.

After a change that is meant, UPDATE_SNAPSHOTS=1 writes them anew; git shows what became different.
"""

import json
import os
import pathlib
import shutil

import pytest

from records import CLAIMED, SOURCE, RATES, add, change, dtbench, ok, shape, stable_rates

HERE = pathlib.Path(__file__).parent
AP = "convergence.average_precision_micro"
LOSSES = {"fp32_true": 0.0, "fp32_perturbed": 1e-6, "bf16_pure": 0.01, "fp16_naive": 0.03}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Five seeds of scenarios C to F under four policies, of which fp16_naive dies on C and D; a
    cell that belongs to nothing, one that ran out of memory, and one that another program wrote."""
    root = tmp_path_factory.mktemp("runs")
    for scenario in "CDEF":
        for policy, shift in LOSSES.items():
            for seed in range(5):
                dies = policy == "fp16_naive" and scenario in "CD"
                wave = [shift * (1 + seed) * (-1) ** step for step in range(30)]
                add(root, scenario, policy, seed, nonfinite=3 + seed if dies else None,
                    losses=[7 - 0.05 * step + wave[step] for step in range(30)],
                    result={"convergence.val_loss": 5 + 0.1 * seed + shift,
                            "convergence.f1_micro": 0.25 - shift * (1 + seed / 10),
                            AP: 0.5 - shift if scenario in "CD" else None,
                            AP + "_constant_predictor": 0.2 if scenario in "CD" else None,
                            "throughput.samples_per_s": 100 * (1 + 20 * shift) + seed})
    add(root, "C", "bf16_pure", 9, spec={"train.learning_rate": 0.001}, folder="stray")
    add(root, "C", "fp32_true", 9, folder="stray-reference")
    add(root, "E", "amp_bf16", 0, status="out_of_memory", folder="too-large")
    return root


def compare(name, text):
    file = HERE / "snapshots" / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


def test_tables(runs):
    compare("tables", ok(dtbench("analyse", runs)).replace(str(runs), "RUNS"))


def test_verdicts_come_first(tmp_path):
    configs = tmp_path / "configs"
    shutil.copytree(SOURCE / "configs", configs)
    h1 = configs / "hypotheses" / "h1.toml"
    h1.write_text(h1.read_text().replace("[3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]",
                                         str(list(RATES))))
    runs = tmp_path / "runs"
    stable_rates(runs, "fp32_true", dict.fromkeys("CDEF", 3))
    stable_rates(runs, "fp16_naive", CLAIMED | {"C": 1})
    text = ok(dtbench("analyse", runs, configs=configs))
    compare("verdicts-and-rates", text[:text.index("Scenario C, preset")])


def test_disturbed_timings_are_counted_in_pairs(tmp_path):
    for seed in range(3):
        add(tmp_path, "A", "fp32_true", seed)
        run = add(tmp_path, "A", "bf16_pure", seed)
        add(tmp_path, "A", "amp_bf16", seed)
        if seed < 2:
            change(run / "result.json", disturbances=[{"kind": "other_load"}])
    assert "  pairs with disturbed timings: bf16_pure 2 of 3\n" in ok(dtbench("analyse", tmp_path))


def test_fields_of_the_json(runs):
    analysis = json.loads(ok(dtbench("analyse", runs, "--json")))
    for setting in analysis["settings"]:  # docs/record-schema.md has these
        setting["spec"], setting["identity"] = {}, {}
        for policy in setting["policies"]:
            policy["policy_fields"] = {}
    compare("json-fields", json.dumps(shape(analysis), indent=1) + "\n")
