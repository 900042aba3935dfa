"""What the tests of extensions share: the shipped programs with the extensions loaded, and their
records."""

import json
import os
import pathlib
import subprocess

import numpy
import safetensors.torch

HERE = pathlib.Path(__file__).parent
BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
CONFIGS = pathlib.Path(os.environ["DTBENCH_SOURCE"]) / "configs"
POLICIES = ["fp32_true", "amp_fp16", "amp_bf16", "fp16_naive", "bf16_pure", "amp_bf16_8bit"]
# Wide enough that training holds more than the canary that every run begins with.
LAYERS, WIDTH, HEADS, LENGTH, BATCH = 2, 192, 3, 64, 4
STEPS = 3


def settings(**values):
    """model__width=64 -> --set model.width=64. Later ones win."""
    return [a for key, value in values.items() for a in ("--set", f"{key.replace('__', '.')}={value}")]


SMALL = ["--preset", "tiny", *settings(
    model__layers=LAYERS, model__width=WIDTH, model__heads=HEADS, data__length=LENGTH,
    data__synthetic_documents=200, train__batch=BATCH, train__steps=STEPS, train__learning_rate=1e-3,
    train__warmup_steps=0, train__eval_examples=8)]


def dtbench(environment, *arguments, extensions=(), check=True):
    loaded = [a for name in extensions for a in ("--extension", BIN / f"{name}.so")]
    done = subprocess.run([BIN / "dtbench", *loaded, *arguments], env=environment,
                          capture_output=True, text=True, timeout=300, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


class Record:
    """One recorded cell."""

    def __init__(self, directory):
        self.directory = directory
        self.spec, self.result, self.audit = (
            json.loads((directory / f"{name}.json").read_text()) for name in ("spec", "result", "audit"))
        self.steps = [json.loads(line) for line in (directory / "steps.jsonl").read_text().splitlines()]

    def checkpoint(self):
        (file,) = (self.directory / "checkpoint").glob("*.safetensors")
        return safetensors.torch.load_file(file)


def train(environment, out, *arguments, extensions, policy="fp32_true"):
    before = set(out.iterdir()) if out.exists() else set()
    dtbench(environment, "run", *SMALL, "--policy", policy, "--out", out, *arguments,
            extensions=extensions)
    (directory,) = set(out.iterdir()) - before
    return Record(directory)


class Store:
    """The tokenized data that a record was trained on (src/data/store.h)."""

    def __init__(self, environment, record):
        fingerprint = record.audit["identity"]["data_fingerprint"]
        self.directory = pathlib.Path(environment["DTBENCH_CACHE"]) / "stores" / fingerprint

    def tokens(self, split):
        return numpy.fromfile(self.directory / f"{split}.tokens", "<u2").astype(numpy.int64)

    def blocks(self, split, length=LENGTH):
        stream = self.tokens(split)
        return stream[: len(stream) // length * length].reshape(-1, length)

    def documents(self, split):
        offsets = numpy.fromfile(self.directory / f"{split}.offsets", "<u8").astype(numpy.int64)
        return numpy.split(self.tokens(split), offsets[1:-1])

    def label_counts(self, split):
        return numpy.diff(numpy.fromfile(self.directory / f"{split}.label_offsets", "<u8").astype(float))
