"""The report's page in headless Chromium for everyone and for every record: screens of three widths,
dark, light and printed, keys and a screen reader, and records that are odd, hostile or missing."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from pages import WIDTHS, draw_everything
from records import add, change, dtbench, ok

# --- everyone's screen ----------------------------------------------------------------------------

@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(open_page, study_page, width):
    page = open_page(study_page, width=width)
    page.locator("details.cell summary").first.click()
    draw_everything(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    too_wide = page.evaluate("""[...document.querySelectorAll('body *')].filter((element) =>
        element.getBoundingClientRect().right > innerWidth + 1 &&
        !element.closest('.wide, .skip, svg, #tip'))
        .map((element) => element.outerHTML.slice(0, 80))""")
    assert too_wide == []


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("width", (390, 1280))
def test_axe_finds_no_fault(open_page, study_page, scheme, width):
    page = open_page(study_page, width=width, color_scheme=scheme)
    page.evaluate("""document.querySelectorAll('.verdict details, figure details, #recommendations')
        .forEach((each) => each.open = true)""")
    page.locator("details.cell summary").first.click()
    found = Axe().run(page, context={"exclude": [".js-plotly-plot"]}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found] == []


def test_text_in_plots_has_contrast_in_both_schemes(open_page, study_page):
    for scheme in ("light", "dark"):
        page = open_page(study_page, color_scheme=scheme)
        draw_everything(page)
        text = page.evaluate("getComputedStyle(document.querySelector('#curves .xtick text')).fill")
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert contrast(text, back) >= 4.5
        for number in range(6):
            swatch = page.locator(f"#curves .swatch >> nth={number}")
            drawn = swatch.evaluate("(it) => getComputedStyle(it).backgroundColor")
            assert contrast(drawn, back) >= 3


def contrast(one, other):
    """By WCAG 2.2."""
    def luminance(colour):
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
                            for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_keys_reach_what_can_be_used(page):
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the answer")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('[id]').id"))
    assert {"matrix-table", "verdict-list", "filters"} <= reached


def test_it_prints_light_and_whole(open_page, study_page):
    page = open_page(study_page, color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("[...plots.keys()].every((place) => place.dataset.drawn === 'yes')")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 26)"
    assert page.pdf().startswith(b"%PDF")


def test_it_follows_the_scheme_while_it_is_open(page):
    draw_everything(page)
    page.emulate_media(color_scheme="dark")
    # Asked from here: the page's own policy forbids a function that waits in it.
    expect(page.locator("#curves .xtick text").first).to_have_css("fill", "rgb(232, 235, 240)")


# --- records of all kinds -------------------------------------------------------------------------

def test_what_a_record_says_is_text(tmp_path, open_page):
    evil = "</script><img src=x onerror=alert(1)>{{data}}"
    add(tmp_path, "A", "fp32_true", 0)
    change(add(tmp_path, "A", "fp16_naive", 0, nonfinite=2) / "result.json", reason=evil,
           first_nonfinite={"step": 2, "kind": evil, "tensor": evil, "phase": evil})
    ok(dtbench("report", tmp_path))
    page = open_page(tmp_path / "report.html")
    draw_everything(page)
    assert page.locator("img").count() == 0
    page.locator('#matrix-table td[data-policy="fp16_naive"] button').click()
    expect(page.locator("details.cell[open]")).to_contain_text(evil)


@pytest.mark.parametrize("name", ("constructor", "__proto__", "toString"))
def test_a_policy_may_have_the_name_of_what_objects_inherit(tmp_path, open_page, name):
    for scenario in "AC":
        add(tmp_path, scenario, "fp32_true", 0)
    add(tmp_path, "C", "amp_bf16", 0, spec={"policy.name": name})
    ok(dtbench("report", tmp_path, "--output", tmp_path / "r.html"))
    page = open_page(tmp_path / "r.html")
    expect(page.locator("#matrix-table thead")).to_contain_text(name)
    expect(page.locator("#matrix-table tbody tr")).to_have_count(2)


def test_what_is_left_out_or_missing_is_named(tmp_path, open_page):
    add(tmp_path, "A", "fp32_true", 0)
    change(add(tmp_path, "A", "fp32_true", 1, folder="newer") / "result.json", schema_version=2)
    (add(tmp_path, "A", "fp32_true", 2, folder="broken") / "spec.json").write_text("{")
    (tmp_path / "empty-run").mkdir()
    (tmp_path / "empty-run" / "steps.jsonl").write_text("")
    ok(dtbench("report", tmp_path))
    page = open_page(tmp_path / "report.html")
    expect(page.locator("#notices")).to_contain_text("2 left out: damaged")
    expect(page.locator("#notices")).to_contain_text("1 left out: other schema")
    expect(page.locator("#notices")).to_contain_text("5 cells of the matrix without a record")
    expect(page.locator("#left-out")).to_contain_text(
        "result.json has schema version 2, this program reads 1")
    expect(page.locator("details.cell")).to_have_count(4)
    for cell in page.locator("details.cell summary").all():
        cell.click()


def test_a_report_of_nothing_opens(tmp_path, open_page):
    ok(dtbench("report", tmp_path))
    page = open_page(tmp_path / "report.html")
    expect(page.locator("#answer")).to_have_text("There are no records to base an answer on.")


def test_without_the_plot_library_it_says_so_and_shows_numbers(tmp_path, study_page, open_page):
    whole = study_page.read_text()
    library = re.search(r"<script>/\*\*\n\* plotly\.js.*?</script>", whole, re.DOTALL)
    bare = tmp_path / "bare.html"
    bare.write_text(whole[:library.start()] + "<script></script>" + whole[library.end():])
    page = open_page(bare)
    expect(page.locator("#curves")).to_contain_text("has no plot library")
    expect(page.get_by_role("region", name="Memory by part, numbers")).to_be_visible()
