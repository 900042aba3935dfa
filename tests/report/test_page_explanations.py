"""The report's page in headless Chromium: why a cell died, behind the fold of its record."""

import json

import pytest
from playwright.sync_api import expect

from pages import WIDTHS, draw_everything
from records import SOURCE, add, change, dtbench, ok

EXPLAINED = json.loads((SOURCE / "docs/results/explain/C.json").read_text())


@pytest.fixture
def explained(open_page, tmp_path):
    """Opens the page of a cell that died, with an explanation; and the fold in which it stands."""
    def call(explanation, **options):
        run = add(tmp_path, "C", "fp16_naive", 0, nonfinite=EXPLAINED["first_nonfinite"]["step"])
        change(run / "result.json", first_nonfinite={"step": 8, "kind": "nan", "tensor": "loss", "phase": "loss"})
        if explanation is not None:
            text = explanation if isinstance(explanation, str) else json.dumps(explanation)
            (run / "explain.json").write_text(text)
        ok(dtbench("report", tmp_path))
        page = open_page(tmp_path / "report.html", **options)
        page.locator('#matrix-table td[data-policy="fp16_naive"] button').press("Enter")
        return page, page.locator("details.explanation")
    return call


def test_a_dead_cell_shows_its_explanation(explained):
    page, fold = explained(EXPLAINED)
    expect(fold.locator("summary")).to_have_text(
        "Why it died: second moments underflow (proved), since step 1")
    expect(fold.locator("table")).to_have_count(0)  # behind the fold
    fold.locator("summary").click()
    rows = fold.locator("tbody tr")
    expect(rows).to_have_count(len(EXPLAINED["trials"]))
    for row, trial in zip(rows.all(), EXPLAINED["trials"]):
        text = row.inner_text()
        assert trial["change"] in text and trial["role"] in text
        end = "survives" if trial["survived"] else "dies at step" if trial["nonfinite"] else "skips"
        assert end in text
    expect(fold.locator("thead")).to_contain_text(f"End, of {EXPLAINED['window']} steps")
    places = [f"{node['operation']} of {node['module']}" for node in EXPLAINED["chain"]
              if node["module"]]
    assert fold.locator(".chain li").first.inner_text().endswith(places[0])
    expect(fold).to_contain_text(EXPLAINED["diagnoses"][0]["text"])
    expect(fold).to_contain_text("survives in 10 of 10")


def test_the_signal_that_grew_is_drawn_beside_its_bound(explained):
    page, fold = explained(EXPLAINED)
    fold.locator("summary").click()
    draw_everything(page)
    traces = page.evaluate("document.querySelector('.explanation [role=img]').data"
                           ".map((trace) => ({x: trace.x, y: trace.y}))")
    assert traces[0]["x"] == [step["step"] for step in EXPLAINED["signals"]]
    assert traces[0]["y"] == [step["longest_step"] and pytest.approx(step["longest_step"]["rates"])
                              for step in EXPLAINED["signals"]]
    assert traces[1]["y"] == pytest.approx([EXPLAINED["longest_exact_step"]] * 2)
    assert traces[2]["x"] == [8]
    assert page.evaluate("document.querySelector('.explanation [role=img]').layout.yaxis.type") == "log"


def test_another_mechanism_has_another_signal(explained):
    overflow = json.loads(json.dumps(EXPLAINED))
    overflow["diagnoses"][0]["mechanism"] = "activation_overflow"
    page, fold = explained(overflow)
    fold.locator("summary").click()
    draw_everything(page)
    expect(fold.locator(".plot h3")).to_have_text(
        "Largest activation, as a share of its datatype's range")
    assert page.evaluate("document.querySelector('.explanation [role=img]').data[0].y") == \
        pytest.approx([step["activations"]["share_of_range"] for step in EXPLAINED["signals"]])


def test_a_diagnosis_says_that_nothing_is_proved(explained):
    page, fold = explained(json.loads((SOURCE / "docs/results/explain/A.json").read_text()))
    expect(fold.locator("summary")).to_contain_text("(diagnosed)")
    fold.locator("summary").click()
    expect(fold).to_contain_text("No interventions were made")
    expect(fold.locator("table")).to_have_count(0)


@pytest.mark.parametrize("explanation", [None, "{", "[]", '{"cause": "second moments underflow"}'])
def test_what_explains_nothing_is_not_shown(explained, explanation):
    page, fold = explained(explanation)
    expect(page.locator("details.cell[open]")).to_contain_text("First non-finite value: step 8")
    expect(fold).to_have_count(0)


def test_text_of_an_explanation_is_no_markup(explained):
    hostile = json.loads(json.dumps(EXPLAINED))
    hostile["trials"][0]["change"] = hostile["diagnoses"][0]["text"] = "<img src=x onerror=alert(1)>"
    page, fold = explained(hostile)
    fold.locator("summary").click()
    expect(fold.locator("tbody tr").first).to_contain_text("<img src=x")
    assert fold.locator("img").count() == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_an_explanation_fits_its_screen(explained, width):
    page, fold = explained(EXPLAINED, width=width)
    fold.locator("summary").click()
    draw_everything(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
