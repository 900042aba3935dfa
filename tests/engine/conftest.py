import os

import pytest

from records import CONFIGS


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """One cache of tokenized stores for all tests, and nothing of the caller's own settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DTBENCH_")}
    return kept | {
        "DTBENCH_CACHE": str(tmp_path_factory.mktemp("cache")),
        "DTBENCH_CONFIGS": str(CONFIGS),
    }
