"""A third model family, a second optimizer and a further task, each registered by one source file
here and trained by the shipped programs under all six policies: result, cost by formula, record,
analysis and report."""

import json

import pytest
from conftest import CELLS
from runs import BATCH, BIN, LAYERS, LENGTH, POLICIES, SMALL, STEPS, WIDTH, dtbench

EVERYTHING = [(extension, policy) for extension in CELLS for policy in POLICIES]
MLP = 512  # two thirds of 4 x 192


def formula(extension, vocab):
    """Parameters, a layer's product weights, the head's, and the padded length."""
    if extension == "llama":
        layer = 4 * WIDTH**2 + 3 * WIDTH * MLP
        return vocab * WIDTH + LAYERS * (layer + 2 * WIDTH) + WIDTH, layer, vocab * WIDTH, LENGTH
    layer = 12 * WIDTH**2
    trunk = LAYERS * (layer + 13 * WIDTH) + 2 * WIDTH
    if extension == "lion":
        return (vocab + LENGTH) * WIDTH + trunk, layer, vocab * WIDTH, LENGTH
    return (vocab + 16) * WIDTH + trunk + WIDTH, layer, WIDTH, 16


@pytest.mark.parametrize("extension,policy", EVERYTHING)
def test_ends_with_a_result(cells, extension, policy):
    record = cells.record(extension, policy)
    ended = record.result
    assert ended["status"] in ("completed", "diverged"), ended
    assert (ended["status"] == "diverged") == (ended["first_nonfinite"] is not None)
    assert "outcome" in ended
    if policy not in ("amp_fp16", "fp16_naive"):
        assert ended["status"] == "completed" and ended["outcome"] and ended["steps_completed"] == STEPS
        assert ended["convergence"]["val_loss"] < ended["convergence"]["val_loss_first"]


@pytest.mark.parametrize("extension,policy", EVERYTHING)
def test_record_names_what_was_registered(cells, extension, policy):
    record = cells.record(extension, policy)
    spec = record.spec
    assert spec["model"]["architecture"] == ("llama" if extension == "llama" else "gpt2")
    assert spec["objective"] == ("label_count" if extension == "label_count" else "clm")
    assert spec["train"].get("optimizer") == ("lion" if extension == "lion" else None)
    assert spec["train"]["beta2"] == (0.99 if extension == "lion" else 0.999)
    assert list(record.audit["identity"]["program"]["extensions"]) == [extension]
    states = {"fp32_true": "fp32", "amp_fp16": "fp32", "amp_bf16": "fp32", "fp16_naive": "fp16",
              "bf16_pure": "bf16", "amp_bf16_8bit": "blockwise_8bit, fp32"}
    assert record.audit["datatypes"]["optimizer_states"] == states[policy]


@pytest.mark.parametrize("extension,policy", EVERYTHING)
def test_costs_are_the_formulas(cells, extension, policy):
    record = cells.record(extension, policy)
    parameters, layer, head, length = formula(extension, record.audit["model"]["vocab"])
    assert record.audit["model"]["parameters"] == parameters
    tokens = BATCH * length
    heads = BATCH if extension == "label_count" else BATCH * (length - 1)
    attention = 2 * LAYERS * WIDTH * BATCH * length**2 / 2
    for step in record.steps:
        assert step["real_tokens"] == step["tokens"] == tokens
        assert step["flops_needed"] == 6 * (tokens * LAYERS * layer + attention + heads * head)
        assert step["flops_palm"] == (6 * parameters + 12 * LAYERS * WIDTH * length) * tokens


@pytest.mark.parametrize("extension", CELLS)
@pytest.mark.parametrize("policy", ["fp32_true", "bf16_pure"])
def test_memory_is_predicted(cells, extension, policy):
    memory = cells.record(extension, policy).result["memory"]
    for part in ("parameters_bytes", "gradients_bytes", "optimizer_state_bytes"):
        assert memory["predicted"][part] == memory[part]
    predicted = memory["predicted"]["total_bytes"]
    assert 0.9 * predicted < memory["peak_allocated_bytes"] < 1.1 * predicted


def test_one_state_for_each_weight(cells):
    lion, llama = (cells.record(name, "fp32_true").result["memory"] for name in ("lion", "llama"))
    assert lion["optimizer_state_bytes"] == lion["parameters_bytes"]
    assert llama["optimizer_state_bytes"] == 2 * llama["parameters_bytes"]


@pytest.mark.parametrize("extension", CELLS)
@pytest.mark.parametrize("loaded", [True, False], ids=["loaded", "not loaded"])
def test_records_are_read(cells, environment, tmp_path, extension, loaded):
    """By programs that have the extension, and by those that do not."""
    folder = cells.folder(extension)
    extensions = [extension] if loaded else []

    listed = json.loads(dtbench(environment, "list", "--out", folder, "--json", extensions=extensions).stdout)
    assert sorted(row["policy"] for row in listed) == sorted(POLICIES)
    record = cells.record(extension, "fp32_true")
    shown = json.loads(
        dtbench(environment, "show", record.directory, "--json", extensions=extensions).stdout)
    assert shown["spec"] == record.spec and len(shown["steps"]) == STEPS

    analysis = json.loads(dtbench(environment, "analyse", folder, "--json", extensions=extensions).stdout)
    assert analysis["records"]["read"] == len(POLICIES)
    report = tmp_path / "report.md"
    dtbench(environment, "report", folder, "--format", "markdown", "--output", report, extensions=extensions)
    title = {"llama": "Llama, causal language model" if loaded else "llama, causal language model",
             "lion": "GPT-2, causal language model",
             "label_count": "GPT-2, regression of the number of labels" if loaded else "GPT-2, label_count"}
    assert title[extension] in report.read_text()


def dry_run(environment, *arguments, extensions):
    done = dtbench(environment, "run", "--dry-run", *SMALL, "--policy", "fp32_true", *arguments,
                   extensions=extensions)
    return json.loads(done.stdout)["cell_id"]


def test_ids(cells, environment):
    plain = dry_run(environment, "--scenario", "A", extensions=[])
    assert dry_run(environment, "--scenario", "A", extensions=list(CELLS)) == plain
    ids = {cells.record(extension, "fp32_true").directory.name for extension in CELLS}
    assert len(ids | {plain}) == 4


def test_a_near_name(environment):
    done = dtbench(environment, "run", "--dry-run", *SMALL, "--policy", "fp32_true", "--scenario", "A",
                   "--set", "train.optimizer=lyon", extensions=["lion"], check=False)
    assert done.returncode == 2 and "Did you mean 'lion'?" in done.stderr


@pytest.mark.parametrize("extension,setting,said", [
    ("llama", "model.dropout=0.1", "'model.dropout' must be 0, got 0.1"),
    ("llama", "model.heads=64", "a head's channels must be even"),
    ("lion", "bf16_kahan", "asks for fused arithmetic and kahan rounding"),
    ("lion", "bf16_pure_foreach", "asks for foreach arithmetic and nearest rounding")])
def test_what_an_extension_cannot_do(environment, extension, setting, said):
    policy, settings = ("fp32_true", ["--set", setting]) if "=" in setting else (setting, [])
    done = dtbench(environment, "run", "--dry-run", *SMALL, "--policy", policy, *CELLS[extension],
                   *settings, extensions=[extension], check=False)
    assert done.returncode == 2 and said in done.stderr


def test_an_extension_of_the_configuration_alone_is_refused(environment, tmp_path):
    (tmp_path / "lion.so").write_bytes((BIN / "lion.so").read_bytes())
    done = dtbench(environment, "--extension", tmp_path / "lion.so", "run", *SMALL, "--policy", "fp32_true",
                   *CELLS["lion"], "--out", tmp_path / "out", check=False)
    assert done.returncode == 2 and "lion-engine.so" in done.stderr
