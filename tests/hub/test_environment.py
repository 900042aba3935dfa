"""The environment, read as the Python client reads it."""

import json
import os

import pytest
from clients import TOKEN, USAGE

# The module of constants reads the environment when it is loaded.
PYTHON = """
import importlib, os, sys
from huggingface_hub import constants
from huggingface_hub.utils import get_token
answers = []
for environment in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(environment)
    importlib.reload(constants)
    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
    answers.append({"endpoint": constants.ENDPOINT, "offline": constants.HF_HUB_OFFLINE,
                    "cache": os.path.abspath(constants.HF_HUB_CACHE),
                    "timeout_s": constants.HF_HUB_DOWNLOAD_TIMEOUT,
                    "token_length": len(token or "")})
print(json.dumps(answers))
"""

CASES = [
    {},
    {"HF_ENDPOINT": "https://hub.example.com/"},
    {"HF_HOME": "~/elsewhere"},
    {"HF_HOME": "$PLACE/hf", "PLACE": "/somewhere"},
    {"HF_HOME": "${PLACE}/$UNSET/${UNSET}/$", "PLACE": "/somewhere"},
    {"XDG_CACHE_HOME": "/xdg"},
    {"XDG_CACHE_HOME": "/xdg", "HF_HOME": "/home-of-hf"},
    {"HF_HUB_CACHE": "~/cache", "HUGGINGFACE_HUB_CACHE": "/legacy", "HF_HOME": "/h"},
    {"HUGGINGFACE_HUB_CACHE": "/legacy", "HF_HOME": "/h"},
    {"HF_HUB_DOWNLOAD_TIMEOUT": "45"},
    {"HF_HUB_OFFLINE": "yes"},
    {"HF_HUB_OFFLINE": "0"},
    {"HF_HUB_OFFLINE": "2"},
    {"TRANSFORMERS_OFFLINE": "1"},
    {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"},
    {"HF_TOKEN": f" {TOKEN}\n"},
    {"HUGGING_FACE_HUB_TOKEN": "legacy"},
    {"HF_TOKEN": TOKEN, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"},
    {"FILE": "~/.cache/huggingface/token"},
    {"FILE": "~/.cache/huggingface/token", "HF_TOKEN": "shorter"},
    {"FILE": "~/my-token", "HF_TOKEN_PATH": "~/my-token"},
    {"FILE": "~/elsewhere/token", "HF_HOME": "~/elsewhere"},
]


def environments(folder):
    """Of each case, with a home of its own."""
    for number, case in enumerate(CASES):
        variables, home = dict(case), folder / str(number)
        if file := variables.pop("FILE", None):
            path = home / file.removeprefix("~/")
            path.parent.mkdir(parents=True)
            path.write_text(TOKEN + "\n", encoding="utf-8")
        yield {"PATH": os.environ["PATH"], "HOME": str(home), **variables}


def test_read_as_the_python_client_reads_it(client, dataset, tmp_path):
    cases = list(environments(tmp_path))
    theirs = client.python(PYTHON, input=json.dumps(cases)).answer
    del client.settings["stall_timeout_s"]  # of tests
    for case, expected in zip(cases, theirs, strict=True):
        client.environment = case
        ours = client.ours("settings", dataset).answer
        assert ours.pop("token_source") or not ours["token_length"]
        assert ours == expected, case
    # The cases tell settings apart.
    assert len({answer["cache"].replace(case["HOME"], "~") for case, answer in
                zip(cases, theirs)}) >= 8
    assert {answer["offline"] for answer in theirs} == {True, False}
    assert {answer["token_length"] for answer in theirs} == {
        0, len("legacy"), len("shorter"), len(TOKEN)}


@pytest.mark.parametrize("variables, said", [
    ({"HF_ENDPOINT": "hub.example.com:port"}, "'hub.example.com:port'"),
    ({"HF_ENDPOINT": "ftp://hub.example.com"}, "'ftp://hub.example.com'"),
    ({"HF_ENDPOINT": f"https://me:{TOKEN}@hub.example.com"}, "without user name and password"),
    ({"HF_HUB_DOWNLOAD_TIMEOUT": "soon"}, "HF_HUB_DOWNLOAD_TIMEOUT must be"),
    ({"HF_HUB_DOWNLOAD_TIMEOUT": "0"}, "got '0'"),
    ({"HF_TOKEN": f"{TOKEN} {TOKEN}"}, "HF_TOKEN"),
    ({"HF_TOKEN": f"{TOKEN}\u00e9"}, "HF_TOKEN"),
])
def test_what_cannot_be_right(client, dataset, variables, said):
    result = client.ours("settings", dataset, environment=variables)
    assert result.code == USAGE
    assert said in result.err and "try:" in result.err and TOKEN not in result.err
