"""What the tests of reports share: constructed records are those of tests/analysis/records.py."""

import json
import pathlib
import shutil
import sys

import pytest
from playwright.sync_api import sync_playwright

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


@pytest.fixture(scope="session")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium on this machine (requirements/apt-test.txt)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Opens a file; fails for any request beside it, any message on the console, any error."""
    opened, faults = [], []

    def call(path, width=1280, height=800, **options):
        page = browser.new_page(viewport={"width": width, "height": height}, **options)

        def others(url):
            if url != path.as_uri() and not url.startswith(("data:", "blob:")):
                faults.append(url)

        page.set_default_timeout(10_000)
        opened.append(page)
        page.on("request", lambda request: others(request.url))
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield call
    for page in opened:
        page.close()
    assert faults == []


@pytest.fixture
def page(open_page, study_page):
    return open_page(study_page)
