"""What the tests of reports share: constructed records are those of tests/analysis/records.py."""

import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "analysis"))

from records import SOURCE, dtbench, ok  # noqa: E402

STUDY = SOURCE / "docs/results/small-50-steps"  # real runs: six scenarios under six policies


def loss(value):
    return {"convergence.val_loss": value}


@pytest.fixture
def report(tmp_path):
    """`dtbench report --json` of folders."""
    return lambda *folders: json.loads(ok(dtbench("report", *(folders or [tmp_path]), "--json")))


@pytest.fixture(scope="session")
def study_page(tmp_path_factory):
    page = tmp_path_factory.mktemp("study") / "report.html"
    ok(dtbench("report", STUDY, "--output", page))
    return page
