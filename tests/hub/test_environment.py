"""The environment, read as the Python client reads it."""

import pytest
from clients import TOKEN, USAGE

PYTHON = """
from huggingface_hub import constants
from huggingface_hub.utils import get_token
import os
token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
print(json.dumps({"endpoint": constants.ENDPOINT, "cache": os.path.abspath(constants.HF_HUB_CACHE),
                  "offline": constants.HF_HUB_OFFLINE, "token_length": len(token or "")}))
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


@pytest.mark.parametrize("variables", CASES, ids=lambda case: ",".join(case) or "none")
def test_read_as_the_python_client_reads_it(client, dataset, variables):
    for name in ("HF_HUB_CACHE", "HF_ENDPOINT"):
        client.environment.pop(name)
    variables = dict(variables)
    if file := variables.pop("FILE", None):
        path = client.cache.parent / "home" / file.removeprefix("~/")
        path.parent.mkdir(parents=True)
        path.write_text(TOKEN + "\n", encoding="utf-8")
    client.environment.update(variables)
    ours = client.ours("settings", dataset).answer
    ours.pop("token_source")
    assert ours == client.python(PYTHON).answer


@pytest.mark.parametrize("variables, said", [
    ({"HF_ENDPOINT": "hub.example.com:port"}, "'hub.example.com:port'"),
    ({"HF_ENDPOINT": "ftp://hub.example.com"}, "'ftp://hub.example.com'"),
    ({"HF_ENDPOINT": f"https://me:{TOKEN}@hub.example.com"}, "without user name and password"),
    ({"HF_TOKEN": f"{TOKEN} {TOKEN}"}, "HF_TOKEN"),
    ({"HF_TOKEN": f"{TOKEN}\u00e9"}, "HF_TOKEN"),
])
def test_what_cannot_be_right(client, dataset, variables, said):
    result = client.ours("settings", dataset, environment=variables)
    assert result.code == USAGE
    assert said in result.err and "try:" in result.err and TOKEN not in result.err
