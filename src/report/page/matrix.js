// The first screen: what the records say, in a sentence, a matrix, and the verdicts.

const seedsOf =
    () => [...new Set(report.cells.filter((c) => c.seed !== null).map((c) => c.seed))].sort(
        (a, b) => a - b);

function distinct(values) {
  return [...new Set(values.filter((value) => value !== null && value !== undefined))];
}

// A long answer is set smaller, so that the matrix and the verdicts stay on the first screen.
function answer() {
  document.getElementById("answer").classList.toggle("long", report.answer.length > 120);
}

function about() {
  const devices = distinct(report.rows.map(
      (row) => row.device && (row.device.cuda?.name ?? row.device.cpu ?? row.device.device)));
  const steps = distinct(report.rows.map((row) => row.steps));
  const parts = [
    count(report.records.read, "record"),
    `${distinct(report.rows.map((row) => row.scenario)).length} scenarios by ${
        report.policies.length} policies`,
    count(seedsOf().length, "seed"),
    steps.length === 1 ? count(steps[0], "step") :
                         `${Math.min(...steps)} to ${Math.max(...steps)} steps`,
    "preset " + distinct(report.rows.map((row) => row.preset)).join(", "),
    devices.join(", "),
    "torch " + distinct(report.cells.map((cell) => cell.torch)).join(", "),
  ];
  document.getElementById("about").textContent =
      report.rows.length ? parts.filter(Boolean).join(" \u00B7 ") : parts[0];
}

function notices() {
  const list = [];
  const {generated, real} = report.data;
  if (generated > 0)
    list.push([
      "fair",
      `Generated data${
          real > 0 ? ` in ${generated} of ${generated + real} cells` :
                     ""}: this says nothing of real text`
    ]);
  const seeds = seedsOf().length;
  if (report.cells.length > 0 && seeds < 2)
    list.push(["fair", "One seed: no interval, so no difference can be told from noise"]);
  const disturbed =
      report.cells.filter((cell) => cell.counts && (cell.result.disturbances ?? []).length > 0)
          .length;
  if (disturbed > 0)
    list.push(["fair", `Timings were disturbed in ${disturbed} of ${report.records.read} cells`]);
  for (const [why, n] of Object.entries(report.records.excluded))
    list.push(["broken", el("a", {href: "#left-out"}, `${n} left out: ${stateOf(why)[2]}`)]);
  if (report.records.unpaired > 0)
    list.push([
      "broken",
      el("a", {href: "#left-out"},
         `${report.records.unpaired} without an fp32_true to compare with`)
    ]);
  if (report.missing.length > 0)
    list.push([
      "none",
      el("a", {href: "#left-out"},
         count(report.missing.length, "cell") + " of the matrix without a record")
    ]);
  fill("notices", list.map(([kind, text]) => el("li", {class: kind}, text)));
}

// --- The matrix ---

function firstNonfinite(entry) {
  if (!entry.first_nonfinite) return null;
  const [low, high] = entry.first_nonfinite;
  return low === high ? `step ${low}` : `steps ${low}\u2013${high}`;
}

// What is worst leads: [kind, sign, words].
function summaryOf(entry) {
  const found =
      Object.entries(entry.states).sort((a, b) => worst.indexOf(b[0]) - worst.indexOf(a[0]));
  const [name, n] = found[0];
  const [kind, sign, word] = stateOf(name);
  return [kind, sign, found.length === 1 ? word : `${n} of ${entry.cells.length} ${word}`];
}

function tipLines(row, policy, entry) {
  const quality = row.quality;
  const lines = [
    `${row.label} ${policy}: ` +
        Object.entries(entry.states).map(([name, n]) => `${n} ${stateOf(name)[2]}`).join(", "),
    `${quality.name} ${
        entry.quality ?
            `${fixed(entry.quality.mean, 4)} (mean of ${entry.quality.n}${
                row.constant ? `; constant answer ${fixed(row.constant.mean, 4)}` : ""})` :
                               "not measured: no seed reached its last step"                   }`,
  ];
  if (entry.difference)
    lines.push(`paired difference from fp32_true ${estimate(entry.difference, 4, true)}, n = ${
        entry.difference.n}`);
  if (entry.speed)
    lines.push(`samples/s relative to fp32_true ${estimate(entry.speed, 3)}, n = ${entry.speed.n}`);
  if (entry.samples_per_s) lines.push(`${significant(entry.samples_per_s.mean)} samples/s`);
  if (entry.memory) lines.push(`peak memory relative to fp32_true ${estimate(entry.memory, 3)}`);
  if (firstNonfinite(entry))
    lines.push(
        `first non-finite value: ${firstNonfinite(entry)}${entry.cause ? `, ${entry.cause}` : ""}`);
  for (const [name, key] of [["F1 micro", "f1_micro"], ["F1 macro", "f1_macro"]])
    if (entry.metrics?.[key])
      lines.push(`${name}, paired difference ${estimate(entry.metrics[key], 4, true)}`);
  if (entry.skipped_steps?.mean > 0)
    lines.push(`its loss scale skips ${significant(entry.skipped_steps.mean, 3)} steps`);
  if (entry.lost_updates?.mean > 0)
    lines.push(`rounding loses ${
        significant(100 * entry.lost_updates.mean, 2)} % of its weights' updates`);
  const against = row.recommendation.against[policy];
  if (against) lines.push(`not recommended: ${against}`);
  if (row.synthetic) lines.push("generated data");
  return lines;
}

// Long names may break behind their underscores.
const breakable = (name) =>
    name.split(/(?<=_)/).flatMap((part, place) => (place ? [el("wbr"), part] : [part]));

function useThis(row) {
  const {strength, lead, named, because} = row.recommendation;
  if (!strength) return [el("strong", {}, lead), " ", because];
  return [lead, " ", el("strong", {}, named), lead.endsWith(":") ? "; " : ": ", because];
}

// The second line of a cell: its quality, or where it died and why, where that is known.
function qualityOrDeath(entry) {
  if (!entry.quality)
    return [
      firstNonfinite(entry) ?? none,
      entry.cause ? el("span", {class: "cause"}, `: ${entry.cause}`) : null
    ];
  return [
    el("span", {class: "long"}, fixed(entry.quality.mean, 4)),
    el("span", {class: "short"}, significant(entry.quality.mean, 3)),
    entry.difference ?
        el("span", {class: "difference"}, ` ${fixed(entry.difference.mean, 4, true)}`) :
        null
  ];
}

// The third line.
function speedText(policy, entry) {
  if (entry.speed) return `${fixed(entry.speed.ratio, 2)}\u00D7 speed`;
  if (policy === "fp32_true" && entry.samples_per_s) return "reference";
  return entry.cause ? null : none;
}

function matrixCell(row, policy) {
  const entry = row.policies[policy];
  if (!entry) return el("td", {class: "none"}, el("div", {class: "empty"}, "no record"));
  const [kind, sign, words] = summaryOf(entry);
  const used = row.recommendation.policy === policy;
  const button =
      el("button", {type: "button", onclick: () => showCells(row, policy)},
         el("span", {class: "state"}, `${sign} `, el("span", {class: "word"}, words),
            used ? el("span", {class: "word"}, " \u2605") : null),
         el("span", {class: entry.quality ? "quality" : "quality death"}, qualityOrDeath(entry)),
         el("span", {class: "speed"}, speedText(policy, entry) ?? ""));
  return el(
      "td", {class: `${kind}${used ? " use" : ""}`, "data-row": row.label, "data-policy": policy},
      withTip(button, () => tipLines(row, policy, entry)));
}

function matrix() {
  const head =
      el("thead", {},
         el("tr", {}, el("td", {class: "scenario"}),
            report.policies.map(
                (policy) => el("th", {scope: "col"}, el("span", {}, breakable(policy)))),
            el("th", {scope: "col", class: "because"}, "Which, because")));
  const body =
      el("tbody", {},
         report.rows.map(
             (row) => el(
                 "tr", {},
                 el("th", {scope: "row", class: "scenario"}, row.label,
                    el("small", {class: "measure"},
                       row.quality.name + (row.quality.higher_is_better ? " \u2191" : " \u2193")),
                    el("small", {}, row.title)),
                 report.policies.map((policy) => matrixCell(row, policy)),
                 el("td", {class: "because"}, useThis(row)))));
  const table = el("table", {}, head, body);
  table.style.setProperty("--columns", report.policies.length);
  if (report.policies.length > 8) table.style.minWidth = `${7 * report.policies.length + 25}rem`;
  fill("matrix-table", report.rows.length ? table : el("p", {}, "No record states its cell."));
  const box = document.getElementById("matrix-table");
  if (report.policies.length > 8) {
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "Matrix of scenarios and policies");
  }
  document.getElementById("matrix-caption").textContent =
      "Each cell shows how its seeds ended, the mean quality of those that reached their last step (\u2193 lower, \u2191 higher is better), its paired difference from fp32_true, and samples/s relative to fp32_true. " +
      `n: ${
          seedText(
              report
                  .rows)}. Point at a cell, or reach it by keyboard, for 95 % intervals; select it to open its records.` +
      syntheticText(report.rows);
}

function seedText(rows) {
  const counts =
      rows.flatMap((row) => Object.values(row.policies).map((entry) => entry.cells.length));
  if (counts.length === 0) return "no records";
  const low = Math.min(...counts), high = Math.max(...counts);
  return low === high ? count(low, "seed") + " per cell" : `${low} to ${high} seeds per cell`;
}

function syntheticText(rows) {
  const labels = rows.filter((row) => row.synthetic).map((row) => row.label);
  if (labels.length === 0) return "";
  return labels.length === rows.length ? " All data is generated." :
                                         ` Generated data: ${labels.join(", ")}.`;
}

// --- Recommendations ---

function recommendations() {
  const rows = report.rows.map((row) => {
    const {strength, lead, named, provisos, against} = row.recommendation;
    return [
      rowName(row), strength ? `${lead} ${named}` : "Nothing yet", provisos.join("; ") || none,
      Object.entries(against).map(([other, why]) => el("div", {}, `${other}: ${why}`))
    ];
  });
  fill(
      "recommendation-list",
      el("p", {},
         "The rule: among the policies whose every seed trained and whose quality is not worse than fp32_true's by more than the margin " +
             "(1 % of the validation loss; 0.01 of average precision for multi-label tasks), by the bad end of the 95 % interval, and whose accuracy or micro F1 is above the constant answer's, the fastest, if it is faster for certain; else fp32_true. Below five pairs of seeds it is the fastest finite so far, which is no recommendation. On a CPU, which emulates 16-bit matmuls, speed chooses nothing: policies that trained are named together. Nothing where fp32_true itself did not train."),
      table(["Scenario", "Policy", "What weakens it", "Passed over"], rows));
}

// --- Verdicts ---

const verdictDigits = {
  non_inferiority: 4,
  speedup: 3
};

function evidenceText(verdict) {
  const whole = verdict.interval;
  if (!whole) return null;
  const digits = verdictDigits[verdict.estimand] ?? 2;
  const sign = verdict.estimand !== "speedup";
  const end = (value) => isNumber(value) ? fixed(value, digits, sign) :
      value === "Infinity"               ? "\u221E" :
                                           "\u2212\u221E";
  const one = (part) => `${part.part}${part.claimed === "inferior" ? " (to be inferior)" : ""} ${
      isNumber(part.estimate) ? fixed(part.estimate, digits, sign) + " " :
                                ""}[${end(part.low)}, ${end(part.high)}] ${part.side}`;
  return `Intervals of ${significant(100 * whole.level, 4)} %, ${whole.unit}, against ${
             significant(whole.threshold, 3)}: ` +
      verdict.parts.map(one).join("; ");
}

// Both outcomes at the rate of reference, which have no verdict of their own.
function atReferenceRate(verdict) {
  const sides = verdict.parts.flatMap((part) => [part.better, part.worse])
                    .filter((side) => side?.at_reference_rate);
  if (!sides.length) return null;
  return `At rate ${sides[0].at_reference_rate.rate}, without a verdict: ` +
      sides
          .map(
              (side) => `${side.scenario} finite ${side.at_reference_rate.finite}, trained ${
                  side.at_reference_rate.trained} of ${side.n}`)
          .join("; ");
}

function controlItem(control) {
  const why = control.shows?.said ? ` (it shows: ${control.shows.said})` :
      control.reason ? `: ${control.reason}` :
                       "";
  return el("li", {}, `${control.control}: ${control.answer.replace("_", " ")}${why}`);
}

function verdictBlock(verdict) {
  const evidence = evidenceText(verdict), beside = atReferenceRate(verdict);
  const left = Object.entries(verdict.left_out).map(([why, n]) => `${n} ${leftOutWords(why)}`);
  return el(
      "article", {class: "verdict"},
      el("h3", {}, `${verdict.hypothesis.toUpperCase()} ${verdict.title} `,
         el("span", {class: `chip ${verdictKinds[verdict.verdict]}`},
            verdict.verdict.replace("_", " "))),
      el("p", {class: "claim"}, verdict.claim), el("p", {}, verdict.reason + "."),
      el("details", {}, el("summary", {}, "Evidence, plan, controls, caveats"),
         evidence ? el("p", {}, evidence + ".") : null, beside ? el("p", {}, beside + ".") : null,
         el("p", {},
            `On ${verdict.policy}; alpha ${verdict.alpha}` +
                (isNumber(verdict.p) ? `; p = ${significant(verdict.p, 2)}` : "") +
                `; plan: ${verdict.plan.words}.`),
         verdict.controls.length ? el("ul", {}, verdict.controls.map(controlItem)) : null,
         verdict.caveats.length ? el("ul", {}, verdict.caveats.map((text) => el("li", {}, text))) :
                                  null,
         left.length ? el("p", {}, "Left out: " + left.join(", ") + ".") : null,
         (verdict.separately ?? [])
             .map(
                 (other) =>
                     el("p", {},
                        `${other.policy}, separately: ${other.verdict.replace("_", " ")}. ${
                            other.reason}.`))));
}

const leftOutWords = (why) =>
    ({unpaired: "without a partner", seed_not_planned: "of seeds that are not planned"}[why] ??
     stateOf(why)[2]);

function verdicts() { fill("verdict-list", report.verdicts.map(verdictBlock)); }

// --- What is not in it ---

function leftOut() {
  const rows = [];
  for (const each of report.excluded)
    rows.push([each.path, stateChip(each.why), each.reason || none]);
  for (const each of report.unpaired)
    rows.push([
      each.path, el("span", {class: "chip broken"}, "! unpaired"),
      each.nearest ? "differs from its fp32_true in " +
              each.differing
                  .map(
                      (d) =>
                          `${d.field} (${settingText(d.here)} here, ${settingText(d.there)} there)`)
                  .join("; ") :
                     "there is no fp32_true with its scenario and seed"
    ]);
  for (const each of report.missing)
    rows.push([
      `${each.row} ${each.policy}`, el("span", {class: "chip none"}, "\u00B7 no record"),
      "run it to fill the matrix"
    ]);
  fill(
      "left-out-list",
      rows.length ?
          table(["What", "Why", "In words"], rows) :
          el("p", {},
             "Nothing: every record counts and has a partner, and every cell of the matrix has a record."));
}
