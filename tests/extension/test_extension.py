"""A model family, an optimizer and a task that no file of src/ knows, loaded by the program as it is
shipped: what the configuration's half of an extension decides."""

import hashlib
import json
import os
import pathlib
import subprocess

import pytest

BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
SOURCE = pathlib.Path(os.environ["DTBENCH_SOURCE"])
HERE = SOURCE / "tests" / "extension"
POLICIES = ["fp32_true", "amp_fp16", "amp_bf16", "fp16_naive", "bf16_pure", "amp_bf16_8bit"]
LLAMA, LION, LABEL_COUNT = BIN / "llama.so", BIN / "lion.so", BIN / "label_count.so"
ALL = [LLAMA, LION, LABEL_COUNT]


@pytest.fixture
def bench(tmp_path):
    def call(*arguments, extensions=(), **variables):
        flags = [flag for file in extensions for flag in ("--extension", file)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DTBENCH_")}
        environment |= {"DTBENCH_CONFIGS": str(SOURCE / "configs"),
                        "DTBENCH_CACHE": str(tmp_path / "cache")} | variables
        return subprocess.run([BIN / "dtbench", *map(str, flags), *map(str, arguments)],
                              cwd=tmp_path, env=environment, capture_output=True, text=True)
    return call


def cell(scenario, policy="fp32_true", *more):
    return ["run", "--scenario", HERE / f"{scenario}.toml", "--policy", policy, "--preset", "tiny",
            "--dry-run", *more]


def ok(process):
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def refused(process, *parts):
    assert process.returncode == 2, (process.returncode, process.stdout, process.stderr)
    assert process.stderr.startswith("error: ")
    for part in parts:
        assert part in process.stderr
    return process.stderr


WIDTH, LAYERS, VOCABULARY, LENGTH, BATCH = 128, 2, 2048, 64, 8
MLP = 344  # two thirds of 4 x 128 is 341.3
MATMULS = 4 * WIDTH**2 + 3 * WIDTH * MLP


def trunk():
    return LAYERS * (MATMULS + 2 * WIDTH) + WIDTH


@pytest.mark.parametrize("policy", POLICIES)
def test_a_family_of_an_extension_has_its_costs(bench, policy):
    dry = ok(bench(*cell("G", policy), extensions=[LLAMA]))
    assert dry["spec"]["model"]["architecture"] == "llama"
    assert dry["spec"]["scenario"] == "G"
    assert dry["spec"]["model"]["positions"] == LENGTH
    count = VOCABULARY * WIDTH + trunk()
    assert dry["parameters"] == count
    tokens, targets = BATCH * LENGTH, BATCH * (LENGTH - 1)
    attention = 2 * LAYERS * WIDTH * BATCH * LENGTH**2 / 2
    needed = 6 * (tokens * LAYERS * MATMULS + attention + targets * WIDTH * VOCABULARY)
    assert dry["flops_per_full_step"]["needed"] == needed
    palm = (6 * count + 12 * LAYERS * WIDTH * LENGTH) * tokens
    assert dry["flops_per_full_step"]["palm"] == palm
    weight = 2 if policy in ("fp16_naive", "bf16_pure") else 4
    assert dry["memory_estimate_bytes"]["parameters"] == weight * count


def test_an_optimizer_of_an_extension_has_its_states_and_defaults(bench):
    adamw = ok(bench(*cell("G"), extensions=ALL))
    lion = ok(bench(*cell("G", "fp32_true", "--set", "train.optimizer=lion"), extensions=ALL))
    assert lion["memory_estimate_bytes"]["optimizer_state"] == 4 * lion["parameters"]
    assert adamw["memory_estimate_bytes"]["optimizer_state"] == 8 * lion["parameters"]
    assert (adamw["spec"]["train"]["beta2"], lion["spec"]["train"]["beta2"]) == (0.999, 0.99)
    assert "optimizer" not in adamw["spec"]["train"]
    assert lion["spec"]["train"]["optimizer"] == "lion"
    own = ok(bench(*cell("G", "fp32_true", "--set", "train.optimizer=lion", "--set",
                         "train.beta2=0.98"), extensions=ALL))
    assert own["spec"]["train"]["beta2"] == 0.98


def test_a_task_of_an_extension_has_its_outputs(bench):
    dry = ok(bench(*cell("H"), extensions=ALL))
    assert dry["spec"]["objective"] == "label_count"
    assert dry["parameters"] == VOCABULARY * WIDTH + trunk() + WIDTH
    assert "bce_reduction" in refused(
        bench(*cell("H", "fp32_true", "--set", "train.bce_reduction=sum_labels"), extensions=ALL))


def test_an_id_is_the_hash_of_the_spec(bench):
    dry = ok(bench(*cell("H"), extensions=ALL))
    text = json.dumps(dry["spec"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert dry["cell_id"] == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_what_is_built_in_stays_as_it_is(bench):
    plain = ["run", "--scenario", "A", "--policy", "fp32_true", "--preset", "tiny", "--dry-run"]
    assert ok(bench(*plain)) == ok(bench(*plain, extensions=ALL))


def test_a_flag_behind_the_command_or_the_environment_load_them_too(bench):
    first = ok(bench(*cell("H"), extensions=ALL))
    flags = [flag for file in ALL for flag in ("--extension", file)]
    assert ok(bench(*cell("H"), *flags)) == first
    assert ok(bench(*cell("H"), DTBENCH_EXTENSIONS=":".join(map(str, ALL)))) == first
    assert ok(bench(*cell("H"), *flags, DTBENCH_EXTENSIONS=str(LLAMA))) == first  # each once


def test_without_its_extension_a_name_is_unknown(bench):
    said = refused(bench(*cell("G")), "'model.architecture' must be one of gpt2, roberta, got")
    assert "--extension FILE.so" in said
    refused(bench(*cell("H"), extensions=[LLAMA, LION]),
            "'objective' must be one of clm, mlm, multi_cls, single_cls, got \"label_count\"")
    refused(bench(*cell("H"), extensions=[LLAMA, LABEL_COUNT]),
            "'train.optimizer' must be one of adamw, got \"lion\"")


def test_a_masked_language_model_needs_a_mask_token(bench, tmp_path):
    (tmp_path / "I.toml").write_text((HERE / "G.toml").read_text().replace('"clm"', '"mlm"'))
    refused(bench("run", "--scenario", "I.toml", "--policy", "fp32_true", "--preset", "tiny",
                  "--dry-run", extensions=[LLAMA]), "needs the architecture roberta, got llama")


def library(folder, name, code):
    source = folder / f"{name}.cpp"
    source.write_text(code)
    subprocess.run([os.environ.get("CXX", "g++"), "-shared", "-fPIC", source, "-o",
                    folder / f"{name}.so"], check=True)
    return folder / f"{name}.so"


def test_what_is_no_extension_of_this_program_is_refused(bench, tmp_path):
    refused(bench("policies", extensions=["gone.so"]), "'gone.so' is not there")
    (tmp_path / "text.so").write_text("no library")
    refused(bench("policies", extensions=["text.so"]), "does not load")
    refused(bench("policies", extensions=[library(tmp_path, "other", "int x;")]),
            "is no extension of dtbench")
    foreign = library(tmp_path, "foreign",
                      'extern "C" const char* dtbench_extension_revision() { return "abc"; }\n'
                      'extern "C" void dtbench_extension() {}')
    refused(bench("policies", extensions=[foreign]), "is of source revision abc, the program of")


def test_a_name_that_is_taken_is_refused(bench, tmp_path):
    again = tmp_path / "again.so"
    again.write_bytes(LION.read_bytes())
    refused(bench("policies", extensions=[LION, again]), "optimizer 'lion' is registered twice")
