"""`dtbench archive`: which records are copied, when, and what a killed copy or a lost disk leaves."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from conftest import environment, locked, refused
from sweeps import states

THREE = ["--scenario", "A", "--policy", "fp32_true", "--policy", "fp16_naive", "--policy", "bf16_pure",
         "--preset", "tiny", "--set", "train.steps=3"]


def archive(sweeps, *arguments, out="runs", to="kept"):
    return subprocess.run([sweeps.program, "archive", out, "--to", to, *arguments], cwd=sweeps.folder,
                          env=environment(sweeps.cache), capture_output=True, text=True, timeout=120)


def copied(process):
    """(copied, there already, not finished)"""
    assert process.returncode == 0, process.stderr
    words = process.stdout.split()
    return int(words[2]), int(words[4]), int(words[7])


def files(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*"))
            if file.is_file() and file.name != "lock"}


def identities(folder):
    return {str(file): file.stat().st_ino for file in folder.rglob("*") if file.is_file()}


def run_of(sweeps, policy, out="runs"):
    return sweeps.records(out)[f"A {policy} seed 0"]


def test_each_record_once_whole_and_checked_by_sha256sum(sweeps):
    assert sweeps.run(*THREE).returncode == 0
    assert copied(archive(sweeps)) == (3, 0, 0)
    kept = sweeps.folder / "kept"
    for name, run in sweeps.records().items():
        assert files(kept / run.name) == files(run), name
    before = identities(kept)
    assert copied(archive(sweeps)) == (0, 3, 0)
    assert identities(kept) == before  # nothing was written again

    check = subprocess.run("cat .archive/*.sha256 | sha256sum --check --quiet", shell=True, cwd=kept, timeout=60)
    assert check.returncode == 0
    lines = b"".join(file.read_bytes() for file in (kept / ".archive").glob("*.sha256")).decode().splitlines()
    result = run_of(sweeps, "fp32_true") / "result.json"
    assert f"{hashlib.sha256(result.read_bytes()).hexdigest()}  {result.parent.name}/result.json" in lines
    assert not list(kept.rglob("*.tmp.*"))


def test_checkpoints_links_and_locks_stay_behind(sweeps):
    sweeps.run(*THREE)
    run = run_of(sweeps, "fp32_true")
    (run / "checkpoint").mkdir()
    (run / "checkpoint/weights").write_text("large")
    (run / "tensorboard").mkdir()
    (run / "tensorboard/events").write_text("scalars")
    (run / "secret").symlink_to("/etc/hostname")
    (run / "spec.json.tmp.1.ab").write_text("left by a killed writer")
    archive(sweeps)
    kept = sweeps.folder / "kept" / run.name
    assert (kept / "tensorboard/events").read_text() == "scalars"
    assert not any((kept / name).exists() or (kept / name).is_symlink()
                   for name in ("checkpoint", "lock", "secret", "spec.json.tmp.1.ab"))


def test_unfinished_records_wait_for_their_end(sweeps):
    process = sweeps.start(*THREE, does={"A fp16_naive": "wait"})
    sweeps.wait_for_steps("A fp16_naive seed 0", 2)
    running = run_of(sweeps, "fp16_naive")
    assert copied(archive(sweeps)) == (1, 0, 1)  # its engine holds the lock
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert copied(archive(sweeps)) == (0, 1, 1)  # interrupted: it is to go on
    assert not (sweeps.folder / "kept" / running.name).exists()
    assert sweeps.run(*THREE).returncode == 0
    assert copied(archive(sweeps)) == (2, 1, 0)
    with locked(running):  # an archived record that is trained again: its old copy stays
        assert copied(archive(sweeps)) == (0, 2, 1)
    assert (sweeps.folder / "kept" / running.name / "result.json").exists()


def test_another_result_moves_the_old_copy_aside_and_more_files_do_not(sweeps):
    sweeps.run(*THREE, does={"A bf16_pure": "fail"})
    assert copied(archive(sweeps)) == (3, 0, 0)
    run, kept = run_of(sweeps, "bf16_pure"), sweeps.folder / "kept"
    assert sweeps.run(*THREE).returncode == 0  # tried again
    assert copied(archive(sweeps)) == (1, 2, 0)
    [aside] = kept.glob(f"{run.name}.replaced-*")
    assert json.loads((aside / "result.json").read_text())["status"] == "failed"
    assert json.loads((kept / run.name / "result.json").read_text())["status"] == "completed"

    (run / "explain.json").write_text("{}")
    assert copied(archive(sweeps)) == (1, 2, 0)
    assert (kept / run.name / "explain.json").exists() and len(list(kept.glob("*.replaced-*"))) == 1


def test_a_copy_that_was_damaged_is_made_again(sweeps):
    sweeps.run(*THREE)
    archive(sweeps)
    kept = sweeps.folder / "kept" / run_of(sweeps, "fp32_true").name
    whole = files(kept)
    (kept / "steps.jsonl").write_text("cut")
    assert copied(archive(sweeps)) == (1, 2, 0)
    assert files(kept) == whole
    shutil.rmtree(kept)
    assert copied(archive(sweeps)) == (1, 2, 0)


def test_an_archive_is_a_folder_of_records_to_go_on_from(sweeps):
    """On a new machine: cells that are done stay done, and the money that was spent counts."""
    assert sweeps.run(*THREE, "--price-per-hour", 36).returncode == 0
    archive(sweeps)
    shutil.rmtree(sweeps.folder / "runs")
    sweeps.started()
    process = sweeps.run(*THREE, "--price-per-hour", 36, "--out", "kept", "--json")
    assert process.returncode == 0 and sweeps.started() == []
    assert set(states(process).values()) == {"done"}
    assert json.loads(process.stdout)["spent_usd"] > 0
    assert (sweeps.folder / "kept/matrix-report.html").exists()


def test_further_sessions_are_copied_into_theirs(sweeps):
    sweeps.run(*THREE)
    session = sweeps.folder / "runs/session-2"
    session.mkdir()
    run = run_of(sweeps, "fp32_true")
    shutil.copytree(run, session / run.name)
    assert copied(archive(sweeps)) == (4, 0, 0)
    assert files(sweeps.folder / "kept/session-2" / run.name) == files(run)


def test_a_killed_copy_leaves_no_half_record(sweeps):
    """Killed at any moment, what is there is whole, and the next call completes it."""
    sweeps.run(*THREE)
    for run in sweeps.records().values():
        for number in range(40):
            (run / f"more-{number}").write_bytes(os.urandom(200_000))
    whole = {run.name: files(run) for run in sweeps.records().values()}
    kept = sweeps.folder / "kept"
    halves = 0
    for delay in (0.01, 0.03, 0.06, 0.1, 0.15, 0.2):
        process = subprocess.Popen([sweeps.program, "archive", "runs", "--to", "kept"], cwd=sweeps.folder,
                                   env=environment(sweeps.cache), stdout=subprocess.DEVNULL)
        time.sleep(delay)
        process.kill()
        process.wait()
        halves += len(list((kept / ".archive").glob("copy.tmp.*")))
        for name, content in whole.items():
            assert not (kept / name).exists() or files(kept / name) == content
    assert copied(archive(sweeps))[2] == 0
    assert {name: files(kept / name) for name in whole} == whole
    assert not list((kept / ".archive").glob("*.tmp.*"))


def test_a_full_disk_is_told_and_goes_on_once_there_is_room(sweeps):
    sweeps.run(*THREE)
    (run_of(sweeps, "bf16_pure") / "more").write_bytes(b"x" * 100_000)
    command = f"ulimit -f 40; exec {sweeps.program} archive runs --to kept"  # in kilobytes
    process = subprocess.run(["bash", "-c", f"trap '' XFSZ; {command}"], cwd=sweeps.folder, capture_output=True,
                             env=environment(sweeps.cache), text=True, timeout=60)
    assert process.returncode in (3, 4) and "Cannot write" in process.stderr, process.stderr
    assert not (sweeps.folder / "kept" / run_of(sweeps, "bf16_pure").name).exists()
    assert sum(copied(archive(sweeps))[:2]) == 3


class Follower:
    def __init__(self, sweeps):
        self.errors = sweeps.folder / "follower"
        self.process = subprocess.Popen([sweeps.program, "archive", "runs", "--to", "kept", "--follow"],
                                        cwd=sweeps.folder, env=environment(sweeps.cache),
                                        stdout=subprocess.DEVNULL, stderr=open(self.errors, "w"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(30) == 130


def test_following_copies_records_as_they_come_and_waits_for_a_disk_that_went(sweeps):
    kept, gone = sweeps.folder / "kept", sweeps.folder / "gone"
    with Follower(sweeps) as follower:  # before there is anything
        sweeps.wait_for(lambda: "0 records" in follower.errors.read_text(), "first look")
        assert sweeps.run(*THREE[:4], *THREE[8:]).returncode == 0
        first = run_of(sweeps, "fp32_true").name
        sweeps.wait_for(lambda: (kept / first / "result.json").exists(), "copy")
        # A look that is under way would go on in the other folder.
        sweeps.wait_for(lambda: len(follower.errors.read_text().splitlines()) > 1, "end of the look")
        page, copy = (folder / "matrix-report.html" for folder in (sweeps.folder / "runs", kept))
        sweeps.wait_for(lambda: copy.exists() and copy.read_bytes() == page.read_bytes(), "page")
        kept.rename(gone)
        kept.mkdir()  # the empty folder that a disk was mounted on
        assert sweeps.run(*THREE).returncode == 0
        sweeps.wait_for(lambda: "has gone" in follower.errors.read_text(), "warning")
        assert list(kept.iterdir()) == []
        # Another call meanwhile does not wait for the follower.
        assert copied(archive(sweeps, to="other")) == (3, 0, 0)
        kept.rmdir()
        gone.rename(kept)
        sweeps.wait_for(lambda: len(list(kept.glob("*/result.json"))) == 3, "copies of the others")
    assert follower.errors.read_text().count("warning") == 1


@pytest.mark.parametrize("out, to, parts", [
    ("nowhere", "kept", ["There is no folder 'nowhere'"]), ("runs", "runs", ["--to must be apart from"]),
    ("runs", "runs/kept", ["--to must be apart from"]), ("runs", ".", ["--to must be apart from"]),
    ("runs", "a-file", ["a-file"])])
def test_folders_that_cannot_be(sweeps, out, to, parts):
    (sweeps.folder / "runs").mkdir()
    (sweeps.folder / "a-file").write_text("")
    refused(archive(sweeps, out=out, to=to), *parts)


def test_two_at_a_time_share_the_work(sweeps):
    sweeps.run(*THREE)
    processes = [subprocess.Popen([sweeps.program, "archive", "runs", "--to", "kept"], cwd=sweeps.folder,
                                  env=environment(sweeps.cache), text=True, stdout=subprocess.PIPE)
                 for _ in range(4)]
    outputs = [process.communicate(timeout=60)[0].split() for process in processes]
    assert sum(int(words[2]) for words in outputs) == 3, outputs
