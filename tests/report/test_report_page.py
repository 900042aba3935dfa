"""The report's page in headless Chromium: what it shows of 36 real records, and how it
answers the mouse and keys."""

import json
import re

import pytest
from playwright.sync_api import expect

from conftest import STUDY
from pages import WIDTHS, draw_everything
from records import ON_GPU, add, change, dtbench, ok, stable_rates, trained

AVOID = "Avoid fp16_naive in all six scenarios: it met a NaN or an infinity."
RESULTS = {(r["scenario"], r["policy"]): r for r in
           (json.loads(path.read_text()) for path in STUDY.glob("*/result.json"))}


# --- the first screen -----------------------------------------------------------------------------

def test_the_first_screen_answers(page):
    for place in ("#answer", "#matrix-table table", "#verdict-list .verdict >> nth=2 >> h3"):
        box = page.locator(place).bounding_box()
        assert box["y"] + box["height"] <= 800, place
    expect(page.locator("#answer")).to_have_text(
        "No policy can be recommended yet: fp32_true itself is not trained in A, B, C, D, E and F. "
        + AVOID)


SEVEN = ("fp32_true", "amp_fp16", "amp_bf16", "fp16_naive", "bf16_pure", "amp_bf16_8bit",
         "fp32_perturbed")


@pytest.fixture(scope="module")
def cpu_page(tmp_path_factory):
    """A matrix as the demonstration's: six scenarios under seven policies on a CPU, with deaths of
    known cause."""
    folder = tmp_path_factory.mktemp("seven")
    for scenario in "ABCDEF":
        for place, policy in enumerate(SEVEN):
            dead = policy == "fp16_naive"
            run = add(folder, scenario, policy, 0, nonfinite=7 if dead else None,
                      identity={"device.device": "cpu", "device.cpu": "AMD EPYC"},
                      losses=[7, 6, "NaN"] if dead else [7, 6 + place / 100, 5],
                      result={"throughput.samples_per_s": 100.0 + place,
                              "convergence.val_loss": 5 + place / 1000})
            change(run / "result.json", optimizer={"lost_weight_update_share": place / 10,
                                                   "lost_v_update_share": 0.5})
            if dead:
                change(run / "result.json", first_nonfinite={
                    "step": 7, "kind": "nan", "tensor": "loss", "phase": "loss"})
                (run / "explain.json").write_text('{"cause": "second moments underflow"}')
    ok(dtbench("report", folder))
    return folder / "report.html"


def test_seven_policies_leave_the_verdicts_on_the_first_screen(open_page, cpu_page):
    page = open_page(cpu_page)
    expect(page.locator("#matrix-table thead th")).to_have_count(8)
    for verdict in page.locator(".verdict").all():
        reason = verdict.locator("> p").nth(1).bounding_box()
        assert reason["y"] + reason["height"] <= 800


@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_of_the_matrix_is_cut(open_page, cpu_page, width):
    page = open_page(cpu_page, width=width)
    cut = page.evaluate("""[...document.querySelectorAll('#matrix-table button, #matrix-table span')]
        .filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0)
        .map((each) => each.textContent)""")
    assert cut == []


def test_on_a_cpu_no_speed_chooses(open_page, cpu_page, tmp_path):
    page = open_page(cpu_page)
    assert "astest finite" not in page.locator("#matrix-table").inner_text()
    trained = "amp_bf16, amp_bf16_8bit, amp_fp16 and bf16_pure"
    for cell in page.locator("td.because").all():
        expect(cell).to_have_text(
            f"Trained like fp32_true so far: {trained}; a CPU cannot tell which is fastest")
    assert page.locator("#matrix-table .use").count() == 0
    add(tmp_path, "A", "fp32_true", 0, identity=ON_GPU)
    add(tmp_path, "A", "amp_bf16", 0, result={"throughput.samples_per_s": 150.0}, identity=ON_GPU)
    ok(dtbench("report", tmp_path))
    elsewhere = open_page(tmp_path / "report.html")
    expect(elsewhere.locator("td.because")).to_contain_text("Fastest finite so far: amp_bf16; 1.50")


def test_what_the_page_says_of_verdicts_is_no_json(page):
    page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    text = page.locator("#verdicts").inner_text()
    assert "train.bce_reduction mean" in text
    assert not re.search(r'[{}"]', text)


def test_the_matrix_shows_the_values_of_the_36_records(page):
    cells = page.locator("#matrix-table td[data-policy]")
    assert cells.count() == len(RESULTS) == 36
    for (scenario, policy), result in RESULTS.items():
        cell = page.locator(f'#matrix-table td[data-row="{scenario}"][data-policy="{policy}"]')
        text = cell.inner_text()
        if result["status"] == "diverged":
            assert "non-finite" in text and f"step {result['first_nonfinite']['step']}" in text
            continue
        name = "average_precision_micro" if scenario in "CD" else "val_loss"
        assert f"{result['convergence'][name]:.4f}" in text
        assert result["outcome"] in text
        if policy != "fp32_true":
            reference = RESULTS[scenario, "fp32_true"]
            change = result["convergence"][name] - reference["convergence"][name]
            signed = f"{change:+.4f}" if abs(change) >= 0.00005 else "0.0000"
            assert f"{result['convergence'][name]:.4f} {signed}".replace("-", "\u2212") in text
            ratio = result["throughput"]["samples_per_s"] / reference["throughput"]["samples_per_s"]
            assert f"{ratio:.2f}\u00d7 speed" in text


def test_the_verdicts_are_those_of_analyse(page):
    analysis = json.loads(ok(dtbench("analyse", STUDY, "--json")))
    for place, verdict in enumerate(analysis["verdicts"]):
        block = page.locator(".verdict").nth(place)
        expect(block.locator(".chip")).to_have_text(verdict["verdict"].replace("_", " "))
        assert verdict["claim"] in block.inner_text()


def test_the_map_of_rates_is_shown_where_there_are_several(page, open_page, tmp_path):
    expect(page.locator("#rates")).to_be_hidden()  # the study has one rate
    stable_rates(tmp_path, "fp32_true", {"C": 3}, range(2))
    stable_rates(tmp_path, "fp16_naive", {"C": 1}, range(2))
    ok(dtbench("report", tmp_path))
    map_ = open_page(tmp_path / "report.html").locator("#rates table")
    expect(map_.locator("tr").nth(2)).to_be_visible()
    rows = [row.inner_text().split("\t") for row in map_.locator("tr").all()]
    assert rows[0] == ["Policy", "3e-5", "3e-4", "0.003", "Largest stable", "Sensitivity"]
    assert rows[1][0] == "fp16_naive" and "\u2715 0 of 2" in rows[1][2]
    assert rows[2][4:] == ["0.003 or more", "0.0000"]


def test_a_cell_of_the_matrix_tells_more_to_the_mouse_and_to_keys(page):
    button = page.locator('#matrix-table td[data-row="C"][data-policy="amp_fp16"] button')
    tip = page.get_by_role("tooltip")
    button.hover()
    value = RESULTS["C", "amp_fp16"]["convergence"]["average_precision_micro"]
    expect(tip).to_contain_text(f"average precision {value:.4f}")
    expect(tip).to_contain_text("n = 1")
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    button.focus()
    expect(tip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_a_cell_of_the_matrix_leads_to_its_record(page):
    page.locator('#matrix-table td[data-row="B"][data-policy="fp16_naive"] button').press("Enter")
    expect(page.locator("details.cell")).to_have_count(1)
    record = page.locator("details.cell[open]")
    expect(record).to_contain_text("First non-finite value: step 7")
    expect(record.get_by_role("heading", name="Audit")).to_be_visible()
    expect(record).to_contain_text("learning_rate")
    expect(record).to_contain_text("canary")


# --- filters and figures --------------------------------------------------------------------------

def test_filters_choose_scenarios_policies_and_seeds(page):
    expect(page.locator("#curves .plot")).to_have_count(6)
    expect(page.locator("details.cell")).to_have_count(36)
    page.get_by_label("A", exact=True).uncheck()
    expect(page.locator("#curves .plot")).to_have_count(5)
    expect(page.locator("details.cell")).to_have_count(30)
    page.get_by_label("fp16_naive", exact=True).uncheck()
    expect(page.locator("details.cell")).to_have_count(25)
    page.get_by_label("Seed", exact=True).select_option("0")
    expect(page.locator("#curves figcaption")).to_contain_text("seed 0 alone (n = 1)")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("details.cell")).to_have_count(36)


def test_seeds_are_told_apart(tmp_path, open_page):
    for seed, losses in enumerate(([7, 6, 5], [7, 6.5, 6], [8, 4, 3])):
        add(tmp_path, "A", "fp32_true", seed, losses=losses)
    ok(dtbench("report", tmp_path))
    page = open_page(tmp_path / "report.html")
    expect(page.locator("#curves figcaption")).to_contain_text("Band: range of fp32_true")
    read = "document.querySelector('#curves [role=img]').data.map((trace) => trace.y)"
    draw_everything(page)
    low, high, mean = page.evaluate(read)
    assert (low, high) == ([7, 4, 3], [8, 6.5, 6])
    assert mean == pytest.approx([22 / 3, 5.5, 14 / 3], rel=1e-4)
    page.get_by_label("Seed", exact=True).select_option("2")
    draw_everything(page)
    assert page.evaluate(read) == [[8, 4, 3]]
    expect(page.locator("details.cell")).to_have_count(1)


def test_figures_draw_the_records_and_answer_the_mouse(page):
    draw_everything(page)
    assert page.locator("#figures .plot:has(svg.main-svg)").count() == \
        page.locator("#figures .plot").count() > 30
    lines = (STUDY / "A-amp_bf16/steps.jsonl").read_text().splitlines()
    shown = page.evaluate("""document.querySelector('#curves [role=img]').data
        .find((trace) => trace.name === 'amp_bf16').y""")
    assert shown == pytest.approx([json.loads(line)["loss"] for line in lines], rel=1e-4)
    plot = page.locator("#memory .plot").first
    plot.scroll_into_view_if_needed()
    bar = plot.locator(".barlayer .point path").first.bounding_box()
    page.mouse.move(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    expect(plot.locator(".hoverlayer .hovertext")).to_contain_text("MiB parameters")


def plotted(page, figure, name):
    """The first trace of that name in a figure's first plot."""
    return page.evaluate(f"""(() => {{
        const found = document.querySelector('#{figure} [role=img]').data
            .find((trace) => trace.name === '{name}');
        return found && {{x: found.x, y: found.y}};
    }})()""")


def crosses(page, place):
    """Where the crosses of a plot are that mark a death."""
    return page.evaluate(f"""document.querySelector('{place}').data
        .filter((trace) => trace.marker?.symbol === 'x').flatMap((trace) => trace.x)""")


def test_differences_stand_beside_the_noise(open_page, cpu_page):
    page = open_page(cpu_page)
    draw_everything(page)
    assert plotted(page, "differences", "amp_bf16") == {
        "x": [0, 1, 2], "y": pytest.approx([0, 0.02, 0], abs=1e-6)}
    assert plotted(page, "differences", "fp32_perturbed") is None  # it is the band
    band = page.evaluate("document.querySelector('#differences [role=img]').data.slice(0, 2)"
                         ".map((trace) => trace.y)")
    assert band == [pytest.approx([0, -0.06, -0.06]), pytest.approx([0, 0.06, 0.06])]
    assert crosses(page, "#differences [role=img]") == [7]


def test_a_curve_that_ends_in_nan_has_a_cross(open_page, cpu_page):
    page = open_page(cpu_page)
    page.locator('#matrix-table td[data-row="A"][data-policy="fp16_naive"] button').press("Enter")
    draw_everything(page)
    assert crosses(page, "#curves [role=img]") == [7]
    assert crosses(page, "details.cell [role=img]") == [7]
    page.locator('#matrix-table td[data-row="A"][data-policy="amp_fp16"] button').press("Enter")
    draw_everything(page)
    assert crosses(page, "details.cell[open] [role=img]") == []


def test_skipped_steps_are_marked_on_the_loss(open_page, tmp_path):
    run = add(tmp_path, "A", "amp_fp16", 0)
    (run / "steps.jsonl").write_text("".join(
        json.dumps({"step": step, "loss": 5 - step, "loss_scale": 8.0, "skipped": step == 1}) + "\n"
        for step in range(3)))
    ok(dtbench("report", tmp_path))
    page = open_page(tmp_path / "report.html")
    draw_everything(page)
    for figure, height in (("curves", 4), ("loss-scale", 8)):
        assert page.evaluate(f"""document.querySelector('#{figure} [role=img]').data
            .filter((trace) => trace.marker?.symbol === 'x-thin-open')
            .map((trace) => [trace.x, trace.y])""") == [[[1], [height]]]


def test_curves_can_be_smoothed_and_logarithmic(open_page, tmp_path):
    add(tmp_path, "A", "fp32_true", 0, losses=[8, 4, 6, 2, 4, 0.5])
    ok(dtbench("report", tmp_path))
    page = open_page(tmp_path / "report.html")
    draw_everything(page)
    assert plotted(page, "curves", "fp32_true")["y"] == [8, 4, 6, 2, 4, 0.5]
    page.get_by_label("mean over").select_option("5")
    # By hand: means of the steps at most two away.
    assert plotted(page, "curves", "fp32_true")["y"] == pytest.approx(
        [6, 5, 4.8, 3.3, 3.125, 6.5 / 3])
    axis = "document.querySelector('#curves [role=img]').layout.yaxis.type"
    assert page.evaluate(axis) == "linear"
    page.get_by_label("logarithmic loss").check()
    assert page.evaluate(axis) == "log"


def test_lost_updates_are_drawn(open_page, cpu_page):
    page = open_page(cpu_page)
    draw_everything(page)
    weights, moments = page.evaluate(
        "document.querySelector('#lost-updates [role=img]').data.map((trace) => [trace.y, trace.x])")
    assert dict(zip(*weights)) == pytest.approx({name: place / 10 for place, name in enumerate(SEVEN)})
    assert set(moments[1]) == {0.5}


def test_a_cell_says_which_settings_differ_from_its_references(page):
    page.locator('#matrix-table td[data-row="C"][data-policy="bf16_pure"] button').press("Enter")
    shown = page.locator("details.cell[open] section", has_text="Settings that differ")
    rows = dict(row.split("\t")[:2] for row in shown.get_by_role("row").all_inner_texts())
    here, there = (json.loads((STUDY / f"C-{policy}/spec.json").read_text())["policy"]
                   for policy in ("bf16_pure", "fp32_true"))
    differing = {f"policy.{name}" for name in here if here[name] != there.get(name)} - {"policy.name"}
    assert rows.keys() - {"Setting"} == differing and rows["policy.parameters"] == "bf16"


def test_macro_f1_stands_beside_micro(page):
    table = page.get_by_role("region", name="Comparisons, C: GPT-2, multi-label classification")
    heads = table.locator("thead th").all_inner_texts()
    row = dict(zip(heads, table.locator("tbody tr", has_text="bf16_pure").first.locator("th, td")
                   .all_inner_texts()))
    change = (RESULTS["C", row["Policy"]]["convergence"]["f1_macro"]
              - RESULTS["C", "fp32_true"]["convergence"]["f1_macro"])
    signed = f"{change:+.4f}" if abs(change) >= 0.00005 else "0.0000"
    assert row["F1 macro"] == signed.replace("-", "\u2212")


def test_every_figure_says_n_and_what_is_generated(page, tmp_path, open_page):
    for caption in page.locator("figcaption").all_inner_texts():
        assert "n: 1 seed per cell" in caption
        assert "generated" not in caption.lower()
    add(tmp_path, "A", "fp32_true", 0)
    ok(dtbench("report", tmp_path))
    generated = open_page(tmp_path / "report.html")
    expect(generated.locator("#notices")).to_contain_text("Generated data")
    for caption in generated.locator("#figures figcaption").all_inner_texts():
        assert caption.endswith("All data is generated.")


def test_the_numbers_of_a_figure_stand_in_a_table(page):
    page.get_by_text("Numbers: memory by part").click()
    table = page.get_by_role("region", name="Memory by part, numbers")
    peak = RESULTS["A", "fp32_true"]["memory"]["peak_allocated_bytes"]
    expect(table.get_by_role("row").nth(1)).to_contain_text(f"{round(peak / 2 ** 20)} MiB")


def test_a_front_holds_what_nothing_beats(page):
    page.get_by_text("Numbers: speed against quality").click()
    numbers = page.get_by_role("region", name="Speed against quality, numbers")
    rows = numbers.get_by_role("row").all_inner_texts()
    found = {tuple(re.split(r"\s*\t\s*", row)[:2]) for row in rows if row.endswith("yes")}
    for scenario in "ABEF":
        points = {policy: (-r["throughput"]["samples_per_s"], r["convergence"]["val_loss"])
                  for (name, policy), r in RESULTS.items()
                  if name == scenario and r["status"] == "completed"}
        front = {policy for policy, (a, b) in points.items()
                 if not any(x <= a and y <= b and (x, y) != (a, b) for x, y in points.values())}
        assert {policy for name, policy in found if name == scenario} == front


def test_dollars_where_records_have_a_price(tmp_path, open_page):
    for policy, price in (("fp32_true", 0.9), ("amp_bf16", 0.6)):
        run = add(tmp_path, "A", policy, 0)
        change(run / "result.json", price_usd=price, wall_s=360.0)
    ok(dtbench("report", tmp_path))
    page = open_page(tmp_path / "report.html")
    page.locator("#pareto").get_by_label("dollars").check()
    page.get_by_text("Numbers: speed against quality").click()
    # 0.9 dollars for 360 s at 100 samples/s: 25 dollars a million.
    numbers = page.get_by_role("region", name="Speed against quality, numbers")
    expect(numbers).to_contain_text("25")
    expect(numbers).to_contain_text("16.67")


def test_loss_against_seconds_and_dollars(page, tmp_path, open_page):
    expect(page.locator("#target")).to_contain_text("No record in view has validation losses along")
    assert page.locator("#target .plot").count() == 0
    for seed in range(2):
        trained(tmp_path, "fp32_true", seed, (7, 6, 5, 4.5, 4.6 + seed), price=(20.0, 0.02), cpu=True)
    trained(tmp_path, "bf16_pure", 0, (7, 6.5, 4.6, 5, 4), ms=50.0, price=(10.0, 0.005), cpu=True)
    trained(tmp_path, "bf16_pure", 1, (7, 6.5, 6.5), ms=50.0, price=(10.0, 0.005), cpu=True,
            nonfinite=60)
    ok(dtbench("report", tmp_path))
    page = open_page(tmp_path / "report.html")
    expect(page.locator("#target figcaption")).to_contain_text("of A the steps count")
    draw_everything(page)

    def drawn():
        return page.evaluate("""(() => {
            const plot = document.querySelector('#target [role=img]');
            return [Object.fromEntries(plot.data.map((t) => [t.name, [t.x, t.y]])),
                    plot.layout.shapes.map((shape) => shape.y0)]; })()""")

    lines, targets = drawn()
    assert targets == [pytest.approx(5.1)]  # of 4.6 and 5.6
    assert lines["fp32_true"] == [[0, 2.5, 5, 7.5, 10], [7, 6, 5, 4.5, pytest.approx(5.1)]]
    # The mean of both seeds, then of the one that lived.
    assert lines["bf16_pure"] == [[0, 1.25, 2.5, 3.75, 5], [7, 6.5, pytest.approx(5.55), 5, 4]]
    page.locator("#target").get_by_label("dollars", exact=True).check()
    draw_everything(page)
    assert drawn()[0]["fp32_true"][0] == pytest.approx([0, 0.0025, 0.005, 0.0075, 0.01])
    page.get_by_text("Numbers: time and dollars").click()
    numbers = page.get_by_role("region", name="Time and dollars to fp32_true's loss, numbers")
    expect(numbers.locator("tr").nth(2)).to_be_visible()
    rows = [row.inner_text().split("\t") for row in numbers.locator("tr").all()]
    assert rows[2] == ["A", "bf16_pure", "1 of 2, 1 died", "50", "2.5", "0.00125", "0.667", "0.333",
                       "25", "6.5000"]
    page.get_by_label("Seed", exact=True).select_option("0")
    draw_everything(page)
    assert drawn()[1] == [4.6]


def test_what_a_gpu_took_is_no_cpus(tmp_path, open_page):
    """A GPU's records name their host's CPU, too."""
    for policy in ("fp32_true", "amp_bf16"):
        trained(tmp_path, policy, 0, (7, 6, 5, 4.5, 4.6))
    ok(dtbench("report", tmp_path))
    caption = open_page(tmp_path / "report.html").locator("#target figcaption")
    expect(caption).to_contain_text("No record has a price")
    expect(caption).not_to_contain_text("A CPU")


def test_a_profile_is_drawn_by_kind_of_work(page, tmp_path, open_page):
    expect(page.locator("#profile figcaption")).to_contain_text("No record in view has a profile")
    part = {"calls": 1, "forward_ms": 1.0, "backward_ms": 1.0, "flops": 0, "bytes": 0}
    profile = {"steps": 5, "step_ms": 17.5, "floor_ms": 6.0, "flops_per_s": 1e11, "bytes_per_s": 1e10,
               "parts": [part | {"name": name, "ms": ms, "floor_ms": 1.0} for name, ms in (
                   ("conv1d", 8.0), ("linear", 1.5), ("attention", 4.0), ("update", 2.0),
                   ("clipping", 0.5), ("an operation of an extension", 1.5))]}
    for seed in range(2):
        run = add(tmp_path, "A", "fp32_true", seed)
        (run / "profile.json").write_text(json.dumps(profile | {"floor_ms": 6.0 + seed}))
    damaged = add(tmp_path, "A", "amp_bf16", 0)
    (damaged / "profile.json").write_text("{")
    ok(dtbench("report", tmp_path))
    page = open_page(tmp_path / "report.html")
    draw_everything(page)
    bars = page.evaluate("""Object.fromEntries(document.querySelector('#profile [role=img]').data
        .map((trace) => [trace.name, [trace.y, trace.x]]))""")
    assert bars == {"matmuls": [["fp32_true"], [9.5]], "attention": [["fp32_true"], [4]],
                    "head and loss": [["fp32_true"], [0]], "update": [["fp32_true"], [2.5]],
                    "other": [["fp32_true"], [1.5]], "floor": [["fp32_true"], [6]]}
    page.get_by_text("Numbers: where a step's time goes").click()
    numbers = page.get_by_role("region", name="Where a step's time goes, numbers")
    expect(numbers.locator("tr").nth(1)).to_be_visible()
    assert numbers.locator("tr").nth(1).inner_text().split("\t") == [
        "A", "fp32_true", "conv1d", "1", "8", "45.7 %", "1"]


def health_sample(step, zeros, exponents):
    entry = {"datatype": "fp16", "elements": 100, "largest": 2.0, "smallest": 0.5, "subnormals": 0.0, "saturated": 0.0}
    return {"step": step,
            "classes": [entry | {"class": "exp_avg_sq", "layer": layer, "zeros": zeros + place / 10,
                                 "exponents": exponents} for place, layer in enumerate((None, 0))] +
                       [entry | {"class": "updates", "layer": 0, "zeros": 0.0},
                        entry | {"class": "exp_avg_sq", "layer": 0, "zeros": 1.0, "datatype": "fp32"}],
            "updates": [{"parameter": name, "layer": 0, "to_weight": ratio} for name, ratio in (("a", 0.25), ("b", 0.5))]}


def test_health_is_drawn_by_layer_and_step(page, tmp_path, open_page):
    expect(page.locator("#health figcaption")).to_contain_text("No record in view has it")
    run = add(tmp_path, "A", "fp32_true", 0)
    (run / "health.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (
        health_sample(0, 0.5, {"first": -1, "counts": [3, 4]}), {"step": 1, "kind": "spike", "what": "", "why": ""},
        health_sample(2, 0.75, {"first": 0, "counts": [5]}))))
    damaged = add(tmp_path, "A", "amp_bf16", 0)
    (damaged / "health.jsonl").write_text("{\n")
    ok(dtbench("report", tmp_path))
    page = open_page(tmp_path / "report.html")
    draw_everything(page)

    def drawn(place):
        return page.evaluate(f"document.querySelectorAll('#health [role=img]')[{place}].data[0]")

    assert page.locator("#health [role=img]").count() == 2
    assert drawn(0)["y"] == ["outside the layers", "layer 0"] and drawn(0)["x"] == ["0", "2"]
    assert drawn(0)["z"] == [[0.5, 0.75], [0.6, 0.85]]
    assert (drawn(1)["x"], drawn(1)["y"]) == ([0], [10])
    page.locator("[name=health-step]").select_option("0")
    draw_everything(page)
    assert (drawn(1)["x"], drawn(1)["y"]) == ([-1, 0], [6, 8])
    page.locator("#health").get_by_label("updates", exact=True).check()
    page.locator("#health").get_by_label("update over weight", exact=True).check()
    draw_everything(page)
    assert drawn(0)["text"] == [["\u2013", "\u2013"], ["0.5", "0.5"]]
    page.locator("#health").get_by_label("activations", exact=True).check()
    expect(page.locator("#health figcaption")).to_contain_text("No record in view has this measure")
    expect(page.locator("#cells")).to_contain_text("amp_bf16, seed 0! damaged")
