"""What `dtbench submit` writes for schedulers, without one."""

import os
import pathlib
import re
import shlex
import subprocess

import pytest

from bench import BIN, Bench

MATRIX = ["matrix", "--preset", "tiny", "--scenario", "A", "--policy", "fp32_true", "--policy", "bf16_pure"]
ON_GPU = [*MATRIX, "--device", "cuda"]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path, tmp_path / "cache")


def script(bench, *arguments, **changes):
    process = bench.run("submit", "slurm", "--dry-run", *arguments, **changes)
    assert process.returncode == 0, process.stderr
    return process.stdout, " ".join(process.stderr.split())


def options(text):
    return [shlex.split(line)[1] for line in text.splitlines() if line.startswith("#SBATCH ")]


def refused(process, *parts, code=2):
    assert process.returncode == code, (process.stdout, process.stderr)
    for part in ("error: ", *parts):
        assert part in process.stderr, process.stderr
    assert process.stdout == ""


def test_the_script_asks_for_what_was_said_and_the_rest_is_named(bench):
    text, said = script(bench, "--at-once", 2, "--tasks", 6, "--cpus", 8, "--gpus", "a100:2", "--partition",
                        "gpu", "--account", "me", "--time", "4:00:00", "--sbatch=--mem=32G", *ON_GPU)
    logs = bench.folder / "runs/.sweep/slurm"
    assert options(text) == [
        "--job-name=dtbench-runs", "--array=0-5%2", f"--chdir={bench.folder}", f"--output={logs}/%A_%a.log",
        "--open-mode=append", "--requeue", "--signal=B:USR2@120", "--nodes=1", "--cpus-per-task=8",
        "--gres=gpu:a100:2", "--partition=gpu", "--account=me", "--time=4:00:00", "--mem=32G"]
    assert "guessed" not in said and "defaults" not in said
    assert "export OMP_NUM_THREADS=4\n" in text  # two cells at a time, one a GPU
    assert f"\n{BIN / 'dtbench'} {' '.join(ON_GPU)} --no-wait &\n" in text
    assert not logs.exists()  # nothing was written

    text, said = script(bench, *ON_GPU, OMP_NUM_THREADS="3")
    assert "guessed: at most 2 tasks at once, 4 CPU cores per task, 1 GPU per task" in said
    assert "left to the cluster's defaults: partition, account, time limit" in said
    assert {"--array=0-1%2", "--cpus-per-task=4", "--gres=gpu:1"} <= set(options(text))
    assert "export OMP_NUM_THREADS" not in text and "2 cells" in text


def test_a_short_time_limit_needs_a_shorter_warning(bench):
    """And without a limit there is nothing to warn of."""
    for limit in (["--time", "1", "--sbatch=--signal=B:USR2@20"], ["--time", "1", "--sbatch=--signal B:USR2@20"],
                  ["--time", "0"], ["--time", "4:00"]):
        text, _ = script(bench, *limit, *MATRIX)
        assert f"--time={limit[1]}" in options(text)
    for limit in (["--time", "1"], ["--sbatch=--time=1"], ["--time", "4:00:00", "--sbatch=--time=3"], ["--sbatch=--time 3"],
                  ["--time", "8", "--sbatch=--signal=B:USR2@300"], ["--time", "1", "--sbatch=--signal=USR2"]):
        process = bench.run("submit", "slurm", "--dry-run", *limit, *MATRIX)
        refused(process, "is too short: tasks are warned")


def test_cells_on_a_cpu_ask_for_no_gpu(bench):
    text, _ = script(bench, "--cpus", 6, *MATRIX, "--jobs", 3)
    assert not [option for option in options(text) if option.startswith("--gres")]
    assert "export OMP_NUM_THREADS=2\n" in text


def test_a_study_is_submitted_with_all_its_stages(bench):
    text, _ = script(bench, "study", "seed", "--preset", "tiny", "--seeds", 1, "--device", "cpu")
    assert "study seed --preset tiny --seeds 1 --device cpu --no-wait &\n" in text
    planned = bench.json("study", "seed", "--preset", "tiny", "--seeds", 1, "--device", "cpu", "--dry-run")
    cells = sum(stage["cells"] for stage in planned["stages"])
    assert f". {cells} cells: " in text and "--job-name=dtbench-seed" in options(text)


def test_settings_of_the_environment_go_along(bench):
    text, _ = script(bench, *MATRIX, DTBENCH_TRAIN_STEPS="7")
    assert "export DTBENCH_TRAIN_STEPS=7\n" in text


def test_odd_names_stay_single_words(bench):
    """Bash reads back what was meant, and nothing in a name is executed."""
    out = "it's $(touch hacked) 100% `here`"
    text, _ = script(bench, "--sbatch=--comment=a b; touch hacked", *MATRIX, "--out", out)
    assert "--comment=a b; touch hacked" in options(text)
    assert f"--output={bench.folder}/{out.replace('%', '%%')}/.sweep/slurm/%A_%a.log" in options(text)
    shown = text.replace(str(BIN / "dtbench"), "printf '%s\\n'")
    process = subprocess.run(["bash", "-c", shown], cwd=bench.folder, capture_output=True, text=True, timeout=60)
    assert process.returncode == 0 and out in process.stdout.splitlines()
    assert not (bench.folder / "hacked").exists()


def test_the_script_passes_on_how_dtbench_ended(bench):
    """Without a cluster: no task to put back, so its word is the exit code's and a line on what to do."""
    for ended, says in ((0, False), (2, False), (3, True), (4, False), (130, False)):
        text, _ = script(bench, *MATRIX)
        text = text.replace(str(BIN / "dtbench"), f"bash -c 'exit {ended}'")
        process = subprocess.run(["bash", "-c", text], cwd=bench.folder, capture_output=True, text=True,
                                 timeout=60, env=os.environ | {"SLURM_ARRAY_JOB_ID": "1", "SLURM_ARRAY_TASK_ID": "0"})
        assert process.returncode == ended
        assert ("Submit again" in process.stderr) == says


def test_shellcheck_finds_nothing(bench):
    shellcheck = pathlib.Path(os.sys.executable).parent / "shellcheck"
    if not shellcheck.exists():
        pytest.skip("no shellcheck (requirements/test.txt)")
    text, _ = script(bench, "--time", "1:00:00", *ON_GPU)
    process = subprocess.run([shellcheck, "-"], input=text, capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stdout


@pytest.mark.parametrize("arguments, parts", [
    ([], ["needs a command to submit: matrix or study"]),
    (["matrx"], ["'matrx' cannot be submitted", "Did you mean 'matrix'?"]),
    (["--at-onec", "3", *MATRIX], ["Unknown flag '--at-onec' for 'dtbench submit slurm'", "'--at-once'"]),
    (["--at-once", "many", *MATRIX], ["--at-once", "many"]),
    (["--at-once", "0", *MATRIX], ["--at-once"]),
    ([*MATRIX, "--polciy", "x"], ["Unknown flag '--polciy' for 'dtbench matrix'", "'--policy'"]),
    ([*MATRIX, "--scenario", "Z"], ["Z"]),
    ([*MATRIX, "--dry-run"], ["--dry-run would train nothing"]),
    ([*MATRIX, "--device", "NVIDIA RTX A6000"], ["names a card"]),
    ([*MATRIX, "--budget", "3"], ["--budget needs --price-per-hour"]),
    (["--gpus", "2", *MATRIX], ["the cells train on a CPU", "--device cuda"]),
    (["--gpus", "a100", *ON_GPU], ["--gpus must be a number or TYPE:NUMBER"]),
    (["--gpus", "0", *ON_GPU], ["--gpus must be"]),
    (["--partition", "a\nrm -rf x", *MATRIX], ["--partition must be one line"]),
    (["--time", "banana", *MATRIX], ["--time must be a time limit of sbatch, got 'banana'", "4:00:00"]),
    (["--time", "-5", *MATRIX], ["--time must be"]),
    (["--time", "0:02:00", *MATRIX], ["tasks are warned 120 s before their limit", "at least 4 minutes"]),
    (["--sbatch", "mem=3", *MATRIX], ["--sbatch must be an option of sbatch"]),
    (["study", "sed"], ["sed", "Did you mean 'seed'?"]),
    (["matrix", "--scenario", "A"], ["Preset base is for a GPU"]),
])
def test_bad_command_lines_are_refused_before_they_wait_in_a_queue(bench, arguments, parts):
    refused(bench.run("submit", "slurm", "--dry-run", *arguments), *parts)


def test_help_of_what_is_submitted(bench):
    assert "--policy" in bench.run("submit", "slurm", "matrix", "--help").stdout
    assert "--at-once" in bench.run("submit", "slurm", "--help").stdout


def test_a_machine_without_slurm_says_so(bench):
    (bench.folder / "empty").mkdir()
    refused(bench.run("submit", "slurm", *MATRIX, PATH=str(bench.folder / "empty")),
            "sbatch was not found", "--dry-run", code=4)


# --- Kubernetes ---


def manifest(bench, *arguments):
    yaml = pytest.importorskip("yaml", reason="PyYAML, which kubernetes-validate brings, is not installed")
    process = bench.run("submit", "kubernetes", "--image", "registry/dtbench:1", "--claim", "work", *arguments,
                        DTBENCH_TRAIN_STEPS="7")
    assert process.returncode == 0, process.stderr
    return yaml.safe_load(process.stdout)


def test_the_manifest_is_valid_by_kubernetes_own_schema(bench):
    validate = pytest.importorskip("kubernetes_validate",
                                   reason="kubernetes-validate of requirements/test.txt is not installed")
    job = manifest(bench, "--at-once", 2, "--tasks", 6, "--cpus", 8, "--gpus", 1, *ON_GPU, "--out", "it's: 100%")
    for version in ("1.31", "1.33", validate.latest_version()):
        validate.validate(job, version, strict=True)
    job["spec"]["podFailurePolicy"]["rules"][1]["onExitCodes"]["values"] = "2"
    with pytest.raises(validate.ValidationError):  # a negative control: the schema is looked at
        validate.validate(job, "1.33", strict=True)
    job["spec"]["podFailurePolicy"]["rules"][1]["onExitCodes"]["values"] = [2]
    job["spec"]["completionsMode"] = "Indexed"
    with pytest.raises(validate.ValidationError):
        validate.validate(job, "1.33", strict=True)


def test_the_manifest_says_what_was_asked_for(bench):
    job = manifest(bench, "--at-once", 2, "--tasks", 6, "--cpus", 8, "--gpus", 2, *ON_GPU, "--out", "it's: 100%")
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 6, 2)
    assert pod["restartPolicy"] == "Never"
    assert container["command"] == ["dtbench", *ON_GPU, "--out", "it's: 100%", "--no-wait"]
    assert container["resources"]["limits"] == {"cpu": 8, "nvidia.com/gpu": 2}
    assert {entry["name"]: entry["value"] for entry in container["env"]} == {
        "DTBENCH_CACHE": "/data/.cache/dtbench", "HF_HOME": "/data/.cache/huggingface",
        "DTBENCH_TRAIN_STEPS": "7", "OMP_NUM_THREADS": "4"}
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", job["metadata"]["name"])
    [volume] = pod["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": "work"}


def action_for(job, code):
    """As Kubernetes documents it: the first rule that fits decides, and what none fits counts."""
    for rule in job["spec"]["podFailurePolicy"]["rules"]:
        if code in rule.get("onExitCodes", {}).get("values", []):
            return rule["action"]
    return "Count"


def test_exit_codes_decide_what_happens_to_a_pod(bench):
    job = manifest(bench, *MATRIX)
    actions = {code: action_for(job, code) for code in (2, 3, 4, 130, 137)}
    assert actions == {2: "FailJob", 3: "Count", 4: "FailIndex", 130: "Ignore", 137: "Count"}
    assert job["spec"]["podFailurePolicy"]["rules"][0] == {
        "action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    # What Kubernetes demands besides the schema: FailIndex needs the limit, exit codes have no 0 in "In".
    assert job["spec"]["backoffLimitPerIndex"] == 3
    names = {rule["onExitCodes"]["containerName"] for rule in job["spec"]["podFailurePolicy"]["rules"][1:]}
    assert names == {"dtbench"} == {c["name"] for c in job["spec"]["template"]["spec"]["containers"]}


@pytest.mark.parametrize("arguments, parts", [
    (["--claim", "work", *MATRIX], ["needs --image"]),
    (["--image", "i", *MATRIX], ["needs --claim"]),
    (["--image", "a b", "--claim", "work", *MATRIX], ["--image must be", "got 'a b'"]),
    (["--image", "i", "--claim", "Foo_Bar", *MATRIX], ["--claim must be the name", "got 'Foo_Bar'"]),
    (["--image", "i", "--claim", "work-", *MATRIX], ["--claim must be the name"]),
    (["--image", "i", "--claim", "work", *MATRIX, "--out", "/elsewhere"], ["--out must be in the shared volume"]),
    (["--image", "i", "--claim", "work", *MATRIX, "--out", "../runs"], ["--out must be in the shared volume"]),
    (["--image", "i", "--claim", "work", "--gpus", "a100:1", *ON_GPU], ["--gpus must be a number"]),
    (["--nonsense", *MATRIX], ["Unknown flag '--nonsense' for 'dtbench submit kubernetes'"]),
])
def test_bad_command_lines_for_kubernetes_are_refused(bench, arguments, parts):
    refused(bench.run("submit", "kubernetes", *arguments), *parts)


# --- SkyPilot ---


def sky_task(bench, *arguments, **changes):
    yaml = pytest.importorskip("yaml", reason="PyYAML, which kubernetes-validate brings, is not installed")
    process = bench.run("submit", "skypilot", "--bucket", "s3://records", *arguments, **changes)
    assert process.returncode == 0, process.stderr
    return yaml.safe_load(process.stdout)


def test_the_task_says_what_was_asked_for(bench):
    """SkyPilot's own reader checks the same by scripts/check-skypilot."""
    task = sky_task(bench, "--gpus", "A100:2", "--cpus", 8, *ON_GPU, DTBENCH_TRAIN_STEPS="7")
    assert task.pop("run").count(" ".join(ON_GPU)) == 1
    assert task == {
        "name": "dtbench-runs", "workdir": ".",
        "resources": {"accelerators": "A100:2", "cpus": "8+",
                      "image_id": "docker:nvidia/cuda:13.0.2-devel-ubuntu24.04"},
        "envs": {"DTBENCH_TRAIN_STEPS": "7", "OMP_NUM_THREADS": "4"},
        "file_mounts": {"/archive": {"source": "s3://records", "mode": "MOUNT_CACHED"}},
        "setup": "./dtbench --version\n"}
    on_cpu = sky_task(bench, "--image", "me/dtbench:1", *MATRIX)
    assert on_cpu["resources"] == {"cpus": "4+", "image_id": "docker:me/dtbench:1"}


STAND_IN = r"""#!/usr/bin/env bash
# Notes how it was called; as a matrix ends with the codes in the file `codes`, one a call.
printf '%s\n' "$*" >>calls
case $1 in
  archive) if [[ $* == *--follow* ]]; then exec sleep 600; fi; cp -r "$2/." "$4/" ;;
  matrix) read -r code <codes; sed -i 1d codes; mkdir -p "$(cat out)/cell-$code"; exit "$code" ;;
esac
"""


def run_task(bench, codes, out="runs"):
    """The task's commands by bash, with the bucket in a folder."""
    task = sky_task(bench, *MATRIX, "--out", out)
    (bench.folder / "dtbench").write_text(STAND_IN)
    (bench.folder / "dtbench").chmod(0o755)
    (bench.folder / "codes").write_text("".join(f"{code}\n" for code in codes))
    (bench.folder / "out").write_text(out)
    text = task["run"].replace("/archive/", f"{bench.folder}/bucket/")
    process = subprocess.run(["bash", "-c", text], cwd=bench.folder, capture_output=True, text=True, timeout=60)
    calls = [shlex.split(line)[0] for line in (bench.folder / "calls").read_text().splitlines()] if out == "runs" else []
    return process, calls


@pytest.mark.parametrize("codes, ended, tries", [([0], 0, 1), ([3, 0], 0, 2), ([3, 3, 3, 3], 3, 4), ([4], 4, 1),
                                                 ([130], 130, 1), ([2], 2, 1)])
def test_the_task_ends_as_dtbench_did_and_tries_again_what_may_pass(bench, codes, ended, tries):
    process, calls = run_task(bench, codes)
    assert process.returncode == ended, process.stderr
    assert sorted(calls) == sorted(["archive", *["matrix"] * tries, "archive"])
    assert calls[-1] == "archive"  # what came last is copied, too


def test_another_launch_begins_with_what_is_in_the_bucket(bench):
    kept = bench.folder / "bucket/runs/an-earlier-cell"
    kept.mkdir(parents=True)
    (kept / "result.json").write_text("{}")
    process, _ = run_task(bench, [0])
    assert process.returncode == 0 and (bench.folder / "runs/an-earlier-cell/result.json").exists()
    assert (bench.folder / "bucket/runs/cell-0").exists()


def test_odd_names_of_folders_stay_single_words_for_skypilot(bench):
    out = "it's $(touch hacked) 100% {x}: \"y\""
    process, _ = run_task(bench, [0], out)
    assert process.returncode == 0, process.stderr
    assert (bench.folder / "bucket" / out / "cell-0").exists() and not (bench.folder / "hacked").exists()


@pytest.mark.parametrize("arguments, parts", [
    (MATRIX, ["needs --bucket", "s3://my-records"]), (["--bucket", "records", *MATRIX], ["needs --bucket", "'records'"]),
    (["--bucket", "s3://b", *ON_GPU], ["needs the type of the GPUs"]),
    (["--bucket", "s3://b", "--gpus", "2", *ON_GPU], ["needs the type of the GPUs", "A100:1"]),
    (["--bucket", "s3://b", "--gpus", "A100:0", *ON_GPU], ["--gpus must be"]),
    (["--bucket", "s3://b", *MATRIX, "--out", "/elsewhere"], ["--out must be a path below the source tree"]),
    (["--bucket", "s3://b", *MATRIX, "--out", "../runs"], ["--out must be a path below the source tree"]),
    (["--at-once", "2", *MATRIX], ["Unknown flag '--at-once' for 'dtbench submit skypilot'"]),
    (["--bucket", "s3://b", "demo"], ["'demo' cannot be submitted"])])
def test_bad_command_lines_for_skypilot_are_refused(bench, arguments, parts):
    refused(bench.run("submit", "skypilot", *arguments), *parts)
