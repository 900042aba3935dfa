#!/usr/bin/env python3
"""dtbench-engine beside Transformers' eager models, in one run: the same torch, threads, weights,
token ids, masks and steps, each in a process of its own, interleaved.

    python bench/side_by_side.py BIN [--device cuda] [--rounds N] [--steps N] [--policies ...]

GPT-2 and RoBERTa, 50,257 tokens, dropout 0, fused AdamW: on a CPU 4 layers of width 256, batch
4 x 128; on a GPU the published 12 layers of width 768, batch 16 x 1,024 and 32 x 512. For each
scenario and policy it prints the median step time of both, the ratio theirs / ours (median over
rounds, lowest and highest), and the peak memory of both: on a CPU what the process held beyond what
it did before its first step, on a GPU the most that torch's allocator had handed out. A line whose
losses differ by more than the datatype explains is marked INVALID.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy

HERE = pathlib.Path(__file__).resolve().parent
VOCAB = 50257
SMALL = {"layers": 4, "width": 256, "heads": 4, "vocab": VOCAB, "batch": 4, "length": 128}
PUBLISHED = {"layers": 12, "width": 768, "heads": 12, "vocab": VOCAB}
SHAPES = {
    "cpu": {"A": SMALL, "B": SMALL},
    "cuda": {"A": PUBLISHED | {"batch": 16, "length": 1024}, "B": PUBLISHED | {"batch": 32, "length": 512}},
}
SCENARIOS = {"A": ("gpt2", "clm"), "B": ("roberta", "mlm")}
# How far the losses of two implementations may be apart, relatively, in the first two steps: one
# spacing of the datatype's numbers for roundings that flip on the way, and one because RoBERTa's loss
# in Transformers is itself rounded to 16 bits (its log-probabilities, then their mean).
LOSS_TOLERANCE = {"fp32": 1e-5, "bf16": 2.0**-6, "fp16": 2.0**-9}
PAD, MASK = 1, VOCAB - 1


def write_store(store, scenario, shape):
    """A store whose blocks are all the same, so that the order of examples does not matter."""
    tokens = numpy.random.default_rng(7).integers(10, VOCAB - 10, shape["length"])
    architecture = SCENARIOS[scenario][0]
    store.mkdir()
    count = shape["batch"]
    for split in ("train", "validation"):
        numpy.tile(tokens, count).astype("<u2").tofile(store / f"{split}.tokens")
        (numpy.arange(count + 1) * len(tokens)).astype("<u8").tofile(store / f"{split}.offsets")
        numpy.zeros(count + 1, "<u8").tofile(store / f"{split}.label_offsets")
        (store / f"{split}.labels").write_bytes(b"")
    counts = {"documents": count, "tokens": count * len(tokens), "labels": 0}
    roberta = architecture == "roberta"
    meta = {
        "store_version": 3, "name": "side by side", "synthetic": True, "fingerprint": "0" * 64,
        "vocab_size": VOCAB, "token_scheme": architecture,
        "pad_token_id": PAD if roberta else 0, "mask_token_id": MASK if roberta else None,
        "special_token_ids": [0, PAD, 2, 3, MASK] if roberta else [0], "labels": [],
        "counts": {"train": counts, "validation": counts}, "files": {}, "unigram_loss": 1.0,
        "single_label_prior_loss": 1.0, "single_label_majority_accuracy": 1.0,
        "multi_label_prior_loss": 1.0,
    }  # fmt: skip
    (store / "meta.json").write_text(json.dumps(meta))


def resolved_spec(arguments, scenario, shape, policy, steps, init, more=()):
    """The tiny preset's spec at this size, with settings of the caller's as KEY=VALUE."""
    settings = {
        "model.layers": shape["layers"], "model.width": shape["width"], "model.heads": shape["heads"],
        "model.positions": shape["length"] + (2 if scenario == "B" else 0), "model.dropout": 0,
        "data.length": shape["length"], "train.batch": shape["batch"], "train.steps": steps,
        "train.warmup_steps": 0, "train.learning_rate": 1e-4, "train.eval_examples": 1,
        "train.on_nonfinite": "continue", "model.init": init,
    }  # fmt: skip
    command = [arguments.bin / "dtbench", "run", "--scenario", scenario, "--policy", policy]
    command += ["--preset", "tiny", "--device", arguments.device, "--dry-run"]
    for setting in [*(f"{key}={value}" for key, value in settings.items()), *more]:
        command += ["--set", setting]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["spec"]


def run_ours(arguments, folder, spec):
    run = folder / "run"
    run.mkdir()
    (run / "spec.json").write_text(json.dumps(spec))
    engine = [arguments.bin / "dtbench-engine", "run", "--run-dir", run, "--store", folder / "store"]
    subprocess.run(engine, check=True, capture_output=True)
    steps = [json.loads(line) for line in (run / "steps.jsonl").read_text().splitlines()]
    memory = json.loads((run / "result.json").read_text())["memory"]
    if arguments.device == "cpu":
        peak = memory["peak_resident_bytes"] - memory["resident_before_first_step_bytes"]
    else:
        peak = memory["peak_allocated_bytes"]
    return {
        "step_ms": [step["step_ms"] for step in steps],
        "losses": [float(step["loss"]) for step in steps],
        "peak_bytes": peak,
    }


def run_theirs(folder, spec):
    (folder / "spec.json").write_text(json.dumps(spec))
    peer = [sys.executable, HERE / "transformers_peer.py", folder]
    return json.loads(subprocess.run(peer, check=True, capture_output=True, text=True).stdout)


def summary(scenario, policy, spec, ours, theirs, warmup):
    def step(run):
        return statistics.median(run["step_ms"][warmup:])

    ratios = [step(b) / step(a) for a, b in zip(ours, theirs, strict=True)]
    tolerance = LOSS_TOLERANCE[spec["policy"]["compute"]]
    apart = max(
        abs(a - b) / abs(b)
        for one, other in zip(ours, theirs, strict=True)
        for a, b in zip(one["losses"][:2], other["losses"][:2], strict=True)
    )
    return {
        "scenario": scenario, "policy": policy, "valid": apart <= tolerance,
        "losses_apart": apart, "ours_ms": statistics.median(map(step, ours)),
        "theirs_ms": statistics.median(map(step, theirs)), "ratio": statistics.median(ratios),
        "ratio_low": min(ratios), "ratio_high": max(ratios),
        "ours_mib": statistics.median(run["peak_bytes"] for run in ours) / 2**20,
        "theirs_mib": statistics.median(run["peak_bytes"] for run in theirs) / 2**20,
    }  # fmt: skip


def measure(arguments, scenario, policy, weights):
    ours, theirs = [], []
    shape = SHAPES[arguments.device][scenario]
    slow_peer = "fp16" in policy and arguments.device == "cpu"  # some 30 s a step
    rounds, steps = (min(arguments.rounds, 2), 4) if slow_peer else (arguments.rounds, arguments.steps)
    for turn in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            os.symlink(weights, folder / "weights.safetensors")
            write_store(folder / "store", scenario, shape)
            spec = resolved_spec(arguments, scenario, shape, policy, steps, folder / "weights.safetensors")
            sides = [
                lambda: ours.append(run_ours(arguments, folder, spec)),
                lambda: theirs.append(run_theirs(folder, spec)),
            ]
            for side in sides if turn % 2 == 0 else reversed(sides):
                side()
    return summary(scenario, policy, spec, ours, theirs, 2 if not slow_peer else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bin", type=pathlib.Path, help="folder with dtbench and dtbench-engine")
    parser.add_argument("--device", choices=SHAPES, default="cpu")
    parser.add_argument("--rounds", type=int, default=5, help="2 at most where a CPU emulates fp16")
    parser.add_argument("--steps", type=int, default=12, help="4 where a CPU emulates fp16")
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS))
    parser.add_argument("--policies", nargs="+",
                        default=["fp32_true", "amp_bf16", "bf16_pure", "amp_fp16", "fp16_naive"])
    parser.add_argument("--json", type=pathlib.Path, help="also write the table here")
    arguments = parser.parse_args()
    arguments.bin = arguments.bin.resolve()
    print(f"{'':22}{'ours':>10}{'theirs':>11}   theirs/ours (lowest to highest)   memory")
    lines = []
    with tempfile.TemporaryDirectory() as name:
        for scenario in arguments.scenarios:
            weights = pathlib.Path(name) / f"{scenario}.safetensors"
            subprocess.run([sys.executable, HERE / "transformers_peer.py", "--draw", scenario, weights,
                            json.dumps(SHAPES[arguments.device][scenario])], check=True)  # fmt: skip
            for policy in arguments.policies:
                line = measure(arguments, scenario, policy, weights)
                lines.append(line)
                print(
                    f"{scenario} {policy:<20}{line['ours_ms']:7.1f} ms{line['theirs_ms']:8.1f} ms"
                    f"   {line['ratio']:6.2f} ({line['ratio_low']:.2f} to {line['ratio_high']:.2f})"
                    f"   {line['ours_mib']:7.0f} MiB, theirs {line['theirs_mib']:.0f} MiB"
                    + ("" if line["valid"] else f"   INVALID: losses differ by {line['losses_apart']:.1e}"),
                    flush=True,
                )
    if arguments.json:
        arguments.json.write_text(json.dumps(lines, indent=1) + "\n")


if __name__ == "__main__":
    main()
