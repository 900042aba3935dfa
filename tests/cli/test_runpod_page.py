"""docs/runpod.md, followed from a card to a deleted volume: its commands to the API as they stand there,
against a stand-in that refuses what the platform's reference does not describe."""

import json
import os
import re
import subprocess

import pytest
from conftest import BIN, SOURCE, environment
from stand_in_runpod import KEY, POD, VOLUME, StandInRunPod

PAGE = (SOURCE / "docs/runpod.md").read_text()
BLOCKS = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
# What speaks to the API, from "On your machine" on.
TO_THE_API = [block for block in BLOCKS if "$api" in block or "api=" in block]


@pytest.fixture
def api():
    api = StandInRunPod()
    yield api
    api.close()


def follow(api, blocks):
    script = "\n".join(blocks).replace("https://api.runpod.io/v2", api.url).replace("RUNPOD_API_KEY=...",
                                                                                     f"RUNPOD_API_KEY={KEY}")
    assert script.count(api.url) == 1 and script.count(KEY) == 1
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=120,
                          env={"PATH": os.environ["PATH"]})


def test_every_command_is_answered(api):
    process = follow(api, TO_THE_API[:-1])
    assert process.returncode == 0, process.stdout + process.stderr
    assert "NVIDIA A40 48 GB {'secure': 0.44" in process.stdout
    assert "RUNNING 0.44 ssh root@195.26.233.3 -p 34446" in process.stdout
    assert f"volume={VOLUME}\n" in process.stdout and f"pod={POD}\n" in process.stdout
    done = [(method, path.removeprefix("/v2/")) for method, path, _, _ in api.requests]
    pod = f"pods/{POD}"
    assert done == [("GET", "catalog/gpus?include=AVAILABILITY&product=POD"), ("POST", "network-volumes"),
                    ("POST", "pods"), ("GET", pod), ("POST", f"{pod}/action"), ("DELETE", pod)]
    assert api.pod is None and api.volumes == {VOLUME}  # for another pod


def test_nothing_that_costs_is_left_at_the_end(api):
    whole = [block for block in TO_THE_API if "-X DELETE" not in block]
    assert follow(api, [*whole, TO_THE_API[-1]]).returncode == 0
    assert api.pod is None and api.volumes == set()


def test_an_error_of_the_api_is_printed_as_it_came(api):
    """In each command that reads a reply: a key that the API refuses."""
    readers = [block for block in TO_THE_API if '"$reply"' in block]
    assert len(readers) == 4
    for block in readers:
        process = follow(api, [TO_THE_API[0], 'auth="Authorization: Bearer wrong"', "volume=v pod=p", block])
        assert process.returncode == 1 and process.stdout == ""
        assert process.stderr.startswith('The API answered: {"') and "Traceback" not in process.stderr


def test_a_wrong_field_would_be_noticed(api):
    """A negative control: v1's name of a field."""
    wrong = [block.replace('"disk"', '"containerDiskInGb"') for block in TO_THE_API[:4]]
    assert follow(api, wrong).returncode != 0


def test_the_pod_mounts_the_volume_where_everything_lasts(api):
    [block] = [block for block in BLOCKS if '"image"' in block]
    body = json.loads(re.search(r"-d '(\{.*\})'", block, re.DOTALL)[1].replace("'\"$volume\"'", VOLUME))
    assert body["mounts"] == {"network": [{"volumeId": VOLUME, "path": "/workspace"}]}
    assert body["startSsh"] is True and body["ports"] == ["22/tcp"]


def test_dtbench_takes_the_commands_of_the_page():
    """They are parsed and refused only for the GPU that is missing here, or because the records are."""
    lines = [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if "./dtbench" in line]
    studies = [line for line in lines if "dtbench study" in line]
    assert len(studies) == 2
    for line in studies:
        words = line.split("nohup ")[-1].split(">")[0].replace("./dtbench", str(BIN / "dtbench"))
        process = subprocess.run(["bash", "-c", words + ("" if "--dry-run" in line else " --dry-run")], text=True,
                                 capture_output=True, env=environment("/nonexistent"), timeout=120)
        assert process.returncode in (0, 2), process.stderr
        assert "Unknown" not in process.stderr and "--on-finish" not in process.stderr
