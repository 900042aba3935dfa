"""Folders of records, and of hypotheses that a test may change."""

import shutil

import pytest

from records import RATES, SOURCE, verdict
from rules import edited


@pytest.fixture
def configs(tmp_path):
    shutil.copytree(SOURCE / "configs", tmp_path / "configs")
    return tmp_path / "configs"


@pytest.fixture
def three_rates(configs):
    """H1 with a grid of three rates: fewer records, the same rule."""
    edited(configs, "rates = [3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]", f"rates = {list(RATES)}")
    return configs


@pytest.fixture
def h1(tmp_path, three_rates):
    """H1's verdict on the records in `runs`."""
    return lambda: verdict(tmp_path / "runs", "h1", configs=three_rates)


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"
