"""Constructed run records for the tests of the analysis, by docs/record-schema.md."""

import copy
import functools
import hashlib
import json
import os
import pathlib
import subprocess

BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
SOURCE = pathlib.Path(os.environ["DTBENCH_SOURCE"])


def environment(configs=SOURCE / "configs"):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DTBENCH_")}
    return kept | {"DTBENCH_CONFIGS": str(configs)}


def dtbench(*arguments, configs=SOURCE / "configs"):
    return subprocess.run([BIN / "dtbench", *map(str, arguments)], capture_output=True, text=True,
                          env=environment(configs), timeout=120)


def ok(process):
    assert process.returncode == 0, process.stderr
    return process.stdout


def analyse(folder, **options):
    return json.loads(ok(dtbench("analyse", folder, "--json", **options)))


@functools.cache
def spec_template(scenario):
    return ok(dtbench("run", "--scenario", scenario, "--policy", "fp32_true", "--preset", "tiny",
                      "--dry-run"))


@functools.cache
def policy_template(policy):
    return ok(dtbench("policies", policy, "--json"))


def make_spec(scenario, policy, seed, changes):
    spec = json.loads(spec_template(scenario))["spec"]
    spec["policy"] = json.loads(policy_template(policy))
    spec["policy"].pop("description", None)
    if spec["policy"]["exception"] == []:  # its historical value, which specs leave out
        del spec["policy"]["exception"]
    spec["seed"] = seed
    put_all(spec, changes)
    return spec


def put_all(target, changes):
    """{"train.steps": 3} into a nested object."""
    for key, value in changes.items():
        *path, last = key.split(".")
        place = target
        for part in path:
            place = place[part]
        place[last] = value


def cell_id(spec):
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def make_identity(spec):
    stored = (spec["policy"]["parameters"], spec["policy"]["perturb_initial_ulp"])
    weights = f"{spec['scenario']} {spec['seed']} {stored}"
    return {
        "program": {"version": "0.1.0", "source_revision": "aaaa", "compiler": "GNU 12.2.0",
                    "compile_flags": "-O3"},
        "torch": "2.11.0",
        "device": {"device": spec["device"], "cpu": "a CPU", "threads": 2} |
            ({"cuda": {"name": "a device"}} if spec["device"].startswith("cuda") else {}),
        "data_fingerprint": hashlib.sha256(spec["scenario"].encode()).hexdigest(),
        "data_content_fingerprint": hashlib.sha256(f"{spec['scenario']}'s".encode()).hexdigest(),
        "initial_weights_file": "",
        "initial_draws_fingerprint":
            hashlib.sha256(f"{spec['scenario']} {spec['seed']}".encode()).hexdigest(),
        "initial_weights_fingerprint": hashlib.sha256(weights.encode()).hexdigest(),
    }


RESULTS = {
    "convergence.val_loss": 5.0, "convergence.val_loss_first": 7.0, "convergence.val_loss_constant_predictor": 6.0,
    "convergence.f1_micro": None, "convergence.f1_macro": None, "convergence.accuracy": None,
    "convergence.average_precision_micro": None,
    "convergence.average_precision_micro_constant_predictor": None,
    "throughput.samples_per_s": 100.0, "mfu.vs_spec": None, "mfu.vs_measured": 0.4,
    "memory.peak_allocated_bytes": 1 << 20,
}


def add(root, scenario, policy, seed, *, spec=None, identity=None, result=None, status="completed",
        outcome="trained", nonfinite=None, losses=(7.0, 6.0, 5.0), folder=None, session=None):
    """Writes one record and returns its folder. `spec`, `identity` and `result` are changes by
    dotted names; `nonfinite` is the step of the first non-finite value; `session` is what the audit
    says of it, {"id", "card"}."""
    content = make_spec(scenario, policy, seed, spec or {})
    audited = make_identity(content)
    put_all(audited, identity or {})
    name = cell_id(content)
    run = pathlib.Path(root) / (folder or (f"{name}-{'-'.join(session.values())}" if session else name))
    run.mkdir(parents=True)
    if nonfinite is not None:
        status, outcome = "diverged", "nonfinite"
    steps = content["train"]["steps"] if nonfinite is None else nonfinite
    measured = {"convergence": {}, "throughput": {}, "mfu": {}, "memory": {}}
    put_all(measured, RESULTS | (result or {}))
    written = {"schema_version": 1, "cell_id": name, "scenario": scenario, "policy": policy,
               "seed": seed, "status": status, "reason": "", "outcome": outcome,
               "steps_completed": steps, "started_at": "2026-01-01T00:00:00.000Z",
               "first_nonfinite": None if nonfinite is None else {"step": nonfinite, "kind": "nan"},
               **copy.deepcopy(measured)}
    write(run / "spec.json", content)
    write(run / "audit.json", {"schema_version": 1, "cell_id": name, "identity": audited} |
          ({"session": session} if session else {}))
    write(run / "result.json", written)
    (run / "steps.jsonl").write_text("".join(
        json.dumps({"step": step, "loss": loss}) + "\n" for step, loss in enumerate(losses)))
    return run


def write(path, value):
    path.write_text(json.dumps(value))


def change(path, **values):
    write(path, json.loads(path.read_text()) | values)


# Specs of preset tiny are for a CPU, whose speeds choose nothing.
ON_GPU = {"device.device": "cuda:0", "device.cuda": {"name": "a device"}}

AT = (0, 25, 50, 75, 100)


def trained(root, policy, seed, losses, ms=100.0, price=None, *, scenario="A", cpu=False, spec=None,
            nonfinite=None, evaluations=None):
    """A record whose points have `losses`; `evaluations` are those of the whole validation set,
    where they are asked for along the way."""
    steps = 100 if nonfinite is None else nonfinite
    run = add(root, scenario, policy, seed, nonfinite=nonfinite,
              spec={"train.steps": 100, "train.eval_every": 25 if evaluations else 0} | (spec or {}),
              identity=None if cpu else ON_GPU)
    (run / "steps.jsonl").write_text("".join(
        json.dumps({"step": step, "loss": 5.0, "step_ms": ms}) + "\n" for step in range(steps)))
    with open(run / "events.jsonl", "w") as events:
        for place, (step, loss) in enumerate(zip(AT, losses)):
            line = {"event": "validation_point", "step": step, "seconds": 1.0, "point_loss": loss}
            if step in (0, 100) or evaluations:
                whole = evaluations[place] if evaluations else 9.0
                line |= {"event": "evaluation", "val_loss": whole}
            events.write(json.dumps(line) + "\n")
    if price:
        wall, usd = price
        change(run / "result.json", wall_s=wall, price_usd=usd)
    return run


AP = "convergence.average_precision_micro"
AP_CONSTANT = AP + "_constant_predictor"
SPEED = "throughput.samples_per_s"
SEEDS = range(5)
RATES = (3e-5, 3e-4, 3e-3)
PLANNED = range(8, 16)  # H1's seeds
CLAIMED = {"E": 3, "F": 3, "C": 0, "D": 0}  # by H1: rates of the three that are stable


def verdict(root, name, **options):
    (one,) = [v for v in analyse(root, **options)["verdicts"] if v["hypothesis"] == name]
    return one


def references(root, scenarios, seeds=SEEDS, **options):
    for scenario in scenarios:
        for seed in seeds:
            add(root, scenario, "fp32_true", seed, **options)


def stable_rates(root, policy, stable, seeds=PLANNED, spec=None, **options):
    """`stable`: of each scenario how many of the RATES every seed survives, from the lowest; the
    cells at higher ones meet a NaN at step 3."""
    for scenario, count in stable.items():
        for place, rate in enumerate(RATES):
            for seed in seeds:
                add(root, scenario, policy, seed, nonfinite=None if place < count else 3,
                    spec=(spec or {}) | {"train.learning_rate": rate}, **options)


def shape(value):
    """The fields and kinds of a JSON value; of a list that of its first element."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return {str: "text", bool: "bool", type(None): None}.get(type(value), "number")
