import os
import pathlib

import pytest
from runs import CONFIGS, HERE, POLICIES, settings, train

# What is added to the small cell, by the extension that it needs.
CELLS = {
    "llama": ["--scenario", HERE / "G.toml"],
    "lion": ["--scenario", "A", *settings(train__optimizer="lion")],
    "label_count": ["--scenario", HERE / "I.toml", *settings(data__length=16, data__synthetic_labels=32)],
}


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """One cache of tokenized stores for all tests, and nothing of the caller's own settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DTBENCH_")}
    return kept | {"DTBENCH_CACHE": str(tmp_path_factory.mktemp("cache")), "DTBENCH_CONFIGS": str(CONFIGS)}


class Cells:
    """The small cell of each extension under each policy, trained once."""

    def __init__(self, environment, root):
        self.environment, self.root, self.records = environment, pathlib.Path(root), {}

    def folder(self, extension):
        """The root folder of all six."""
        for policy in POLICIES:
            self.record(extension, policy)
        return self.root / extension

    def record(self, extension, policy):
        key = (extension, policy)
        if key not in self.records:
            self.records[key] = train(
                self.environment, self.root / extension, *CELLS[extension], "--keep-checkpoint",
                extensions=[extension], policy=policy)
        return self.records[key]


@pytest.fixture(scope="session")
def cells(environment, tmp_path_factory):
    return Cells(environment, tmp_path_factory.mktemp("runs"))
