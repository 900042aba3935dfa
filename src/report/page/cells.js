// Every record in a section of its own, filled when it is opened; and the tables of comparisons.

function tree(value) {
  return el("dl", {}, Object.entries(value).map(([name, each]) => {
    const nested = each !== null && typeof each === "object" && Object.keys(each).length > 0;
    const shown = Array.isArray(each) && each.every((one) => typeof one !== "object") ?
        each.join(", ") :
        each;
    return el(
        "div", {}, el("dt", {}, name),
        el("dd", {},
           nested && typeof shown === "object" ? tree(shown) :
               shown === null                  ? none :
               typeof shown === "object"       ? "" :
                                                 String(shown)));
  }));
}

const branch = (title, value) =>
    (value === null || value === undefined ?
         null :
         el("section", {class: "tree"}, el("h3", {}, title), tree(unpooled(value))));

function seriesPlot(cell, title, series, options) {
  if (!series || !window.Plotly) return null;
  return el(
      "div", {class: "plot"}, el("h3", {}, title),
      plotPlace(
          `${title} by step`,
          () => ({
            traces: [
              {
                x: series.step,
                y: gaps(series.value),
                mode: "lines",
                line: {color: colour("--accent"), width: 1.6, shape: options?.shape},
                hovertemplate: "%{y:.5g} at step %{x}<extra></extra>"
              },
              skippedTrace(cell, series, ""),
              deathTrace(
                  diedCells([cell]), diedCells([cell]).map(() => lastNumber(series)),
                  colour("--bad"), "")
            ],
            layout: {x: {label: "step"}, y: {...options?.y}},
          })));
}

function warningsOf(cell) {
  const list =
      (cell.result.disturbances ?? []).map((one) => `Timings: ${one.message}; ${one.remedy}.`);
  const first = cell.result.first_nonfinite;
  if (first)
    list.push(`First non-finite value: step ${first.step}, ${first.kind} in ${first.tensor} (${
        first.phase}).`);
  if (cell.synthetic) list.push("The data is generated.");
  if (cell.unpaired) list.push("There is no fp32_true that differs only in its policy.");
  if (cell.series.skipped.length)
    list.push(`Steps skipped by the loss scaler: ${cell.series.skipped.join(", ")}.`);
  if (!cell.counts)
    list.push(`Left out of every mean: ${stateOf(cell.state)[2]}${
        cell.reason ? `, ${cell.reason}` : ""}.`);
  else if (cell.reason)
    list.push(cell.reason);
  return list;
}

// Every value of an object by its dotted name.
function flat(value, prefix = "") {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return [[prefix, Array.isArray(value) ? value.join(", ") : value]];
  return Object.entries(value).flatMap(
      ([name, each]) => flat(each, prefix ? `${prefix}.${name}` : name));
}

// In which settings it differs from the fp32_true of its row and seed.
function settingsBeside(cell) {
  const partner = cell.row === null || cell.policy === "fp32_true" ?
      null :
      cellsWith(report.rows[cell.row], "fp32_true").find((each) => each.seed === cell.seed);
  if (!partner) return null;
  const here = new Map(flat(unpooled(cell.spec))), there = new Map(flat(unpooled(partner.spec)));
  const names = [...new Set([...here.keys(), ...there.keys()])].sort().filter(
      (name) => name !== "policy.name" && here.get(name) !== there.get(name));
  return el(
      "section", {class: "tree"}, el("h3", {}, "Settings that differ from fp32_true's"),
      names.length ?
          table(
              ["Setting", "Here", "fp32_true"],
              names.map(
                  (name) => [name, settingText(here.get(name)), settingText(there.get(name))])) :
          el("p", {}, "None but the policy's name."));
}

function cellInside(cell) {
  const warnings = warningsOf(cell);
  return el(
      "div", {class: "inside"}, el("p", {}, el("code", {}, cell.path)),
      warnings.length ? el("ul", {class: "warnings"}, warnings.map((text) => el("li", {}, text))) :
                        null,
      explanationBlock(cell),
      el("div", {class: "plots"}, seriesPlot(cell, "Training loss", cell.series.loss),
         seriesPlot(cell, "Gradient norm before clipping", cell.series.grad_norm),
         seriesPlot(cell, "Loss scale", cell.series.loss_scale, {shape: "hv", y: {type: "log"}})),
      settingsBeside(cell),
      el("div", {class: "trees"}, branch("Result", cell.result), branch("Spec", cell.spec),
         branch("Audit", cell.audit)));
}

function cellBlock(cell) {
  const result = cell.result;
  const block = el(
      "details", {class: "cell", id: `cell-${cell.id}`},
      el("summary", {},
         el("span", {class: "name"}, `${cell.scenario} ${cell.policy}, seed ${cell.seed ?? "?"}`),
         stateChip(cell.state),
         el("span", {}, `${result.steps_completed ?? "?"} of ${cell.steps ?? "?"} steps`),
         result.status === "completed" ?
             el("span", {}, `validation loss ${significant(result.convergence?.val_loss)}`) :
             null,
         isNumber(result.throughput?.samples_per_s) ?
             el("span", {}, `${significant(result.throughput.samples_per_s)} samples/s`) :
             null,
         (result.disturbances ?? []).length ?
             el("span", {class: "chip fair"}, "timings disturbed") :
             null));
  block.addEventListener("toggle", () => {
    if (block.open) fillCell(block, cell);
  });
  return block;
}

function fillCell(block, cell) {
  if (block.children.length === 1) block.append(cellInside(cell));
}

function openCell(cell) {
  const block = document.getElementById(`cell-${cell.id}`);
  if (!block) return;
  fillCell(block, cell);
  block.open = true;
  block.style.contentVisibility = "visible";  // else the page is not yet long enough to scroll
  block.scrollIntoView();
  block.querySelector("summary").focus({preventScroll: true});
}

const inChosen = (cell) => inView(cell) &&
    (cell.row === null ||
     (view.rows.includes(report.rows[cell.row]) && view.policies.includes(cell.policy)));

function showCellList() {
  const order = (cell) => [cell.row ?? Infinity, policyNumber(cell.policy), cell.seed ?? Infinity];
  const before = (a, b) => {
    const place = a.findIndex((value, at) => value !== b[at]);
    return place < 0 ? 0 : a[place] - b[place];
  };
  const chosen = report.cells.filter(inChosen).sort((a, b) => before(order(a), order(b)));
  forget(document.getElementById("cell-list"));
  document.getElementById("cells-shown").textContent =
      `${chosen.length} of ${count(report.cells.length, "record")} shown.`;
  fill("cell-list", chosen.map(cellBlock));
}

// From the matrix: the records of one of its cells.
function showCells(row, policy) {
  filterTo([row], [policy]);
  openCell(report.cells[row.policies[policy].cells[0]]);
}

function openAddressed() {
  const cell =
      report.cells.find((each) => `#cell-${encodeURIComponent(each.id)}` === location.hash);
  if (cell) openCell(cell);
}

function comparisonRows(row) {
  return view.policies.filter((policy) => row.policies[policy]?.metrics).map((policy) => {
    const entry = row.policies[policy], m = entry.metrics;
    const ratio = (name) => estimate(m[name], 3), difference = (name) => estimate(m[name], 4, true);
    return [
      policy, `${entry.stability.finite.count} of ${entry.stability.n}`,
      `${entry.stability.trained.count} of ${entry.stability.n}`, difference("val_loss"),
      difference("average_precision_micro"), difference("f1_micro"), difference("f1_macro"),
      difference("accuracy"), ratio("samples_per_s"), ratio("mfu_vs_measured"),
      ratio("peak_allocated_bytes"), `${entry.disturbed_pairs} of ${entry.stability.n}`
    ];
  });
}

function showComparisons() {
  const head = [
    "Policy", "Finite", "Trained", "Validation loss", "Average precision", "F1 micro", "F1 macro",
    "Accuracy", "samples/s", "MFU (measured)", "Peak memory", "Disturbed"
  ];
  const blocks = view.rows.map((row) => {
    const rows = comparisonRows(row);
    const useful = head.map((_, place) => place < 3 || rows.some((r) => r[place] !== none));
    const only = (list) => list.filter((_, place) => useful[place]);
    return [
      el("h3", {}, rowName(row)),
      rows.length ? wide(`Comparisons, ${rowName(row)}`, table(only(head), rows.map(only))) :
                    el("p", {}, "No policy in view has a pair.")
    ];
  });
  fill("comparison-tables", blocks);
  document.getElementById("comparison-caption").textContent =
      "Differences of scores, and ratios of speed, MFU and memory, of pairs that differ in the policy alone, over all seeds whatever the filter: mean [95 % interval], Student's t up to 20 pairs, BCa bootstrap above; none with one pair. " +
      `Finite: to the last step; trained: that, and better than a constant answer. n: ${
          seedText(view.rows)}.` +
      syntheticText(view.rows);
}
