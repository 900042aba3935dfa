// The figures. Each is a function from what the filters choose to plots; a plot is drawn when it
// comes into view, and again when filters, colours or paper ask for it.

const view = { rows: report.rows, policies: report.policies, seed: null };

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const safe = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;");

function layoutOf(options) {
  const axis = { gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--line"), automargin: true, ...options.axis };
  return {
    font: { family: getComputedStyle(document.body).fontFamily, size: 11.5, color: colour("--text") },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 48, r: 10, t: 6, b: 38 }, showlegend: false, hovermode: "closest",
    hoverlabel: { bgcolor: colour("--raised"), bordercolor: colour("--line"), font: { color: colour("--text") }, align: "left" },
    xaxis: { ...axis, ...options.x, title: { text: options.x?.label ?? "", standoff: 4 } },
    yaxis: { ...axis, ...options.y, title: { text: options.y?.label ?? "", standoff: 4 } },
    barmode: options.barmode, shapes: options.shapes ?? [],
  };
}

// --- Drawing when seen ---

const plots = new Map();  // place -> a function that gives {traces, layout}
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
}, { rootMargin: "300px" });

function draw(place) {
  const make = plots.get(place);
  if (!make || place.dataset.drawn === "yes") return;
  place.dataset.drawn = "yes";
  const { traces, layout } = make();
  Plotly.react(place, traces, layoutOf(layout), { displayModeBar: false, responsive: true });
}

function plotPlace(label, make) {
  const place = el("div", { role: "img", "aria-label": label });
  plots.set(place, make);
  if (window.Plotly) seen.observe(place);
  return place;
}

function forget(container) {
  for (const place of container.querySelectorAll("[role=img]")) {
    seen.unobserve(place);
    plots.delete(place);
    if (place.dataset.drawn) Plotly.purge(place);
  }
}

function redraw(all) {
  for (const place of plots.keys()) {
    const drawn = place.dataset.drawn === "yes";
    place.dataset.drawn = "";
    if (drawn || all) draw(place);
  }
}

// --- What the filters leave ---

const inView = (cell) => view.seed === null || cell.seed === view.seed;
const cellsOf = (row, policy) => (row.policies[policy]?.cells ?? []).map((place) => report.cells[place]).filter(inView);
const countingCells = (row, policy) => cellsOf(row, policy).filter((cell) => cell.counts);
const completedCells = (row, policy) => countingCells(row, policy).filter((cell) => cell.result.status === "completed");
const policiesIn = (row) => view.policies.filter((policy) => cellsOf(row, policy).length > 0);
const measured = (cells, pick) => cells.map((cell) => pick(cell.result)).filter(isNumber).map(number);

function spread(values) {
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, low: Math.min(...values), high: Math.max(...values), n: values.length };
}

const spreadText = (range, show) => !range ? none : range.n === 1 ? show(range.mean) : `${show(range.mean)} (${show(range.low)} to ${show(range.high)})`;

// Plotly's error bars from a mean to the ends of a range.
const bars = (ranges) => ({
  type: "data", symmetric: false, thickness: 1, width: 3,
  array: ranges.map((range) => range.high - range.mean), arrayminus: ranges.map((range) => range.mean - range.low),
});

// --- Loss curves ---

const line = (policy, width = 1.6) => ({ color: colour(colourName(policy)), width: policy === "fp32_true" ? 2.4 : width, dash: dashOf(policy) });

// What the policies that came to their last step reach: a loss that blows up leaves this frame.
function lossFrame(row) {
  const values = policiesIn(row).filter((policy) => completedCells(row, policy).length).flatMap((policy) => row.curves[policy]?.value ?? []).filter(isNumber).map(number);
  if (values.length === 0) return null;
  const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
  const air = 0.06 * (high - low || Math.abs(high) || 1);
  return [low - air, high + air];
}

function curveTraces(row, frame) {
  const within = (value) => (frame ? Math.min(Math.max(value, frame[0]), frame[1]) : value);
  const traces = [];
  if (view.seed === null && row.band && view.policies.includes("fp32_true")) {
    const edge = { x: row.band.step, mode: "lines", line: { width: 0 }, hoverinfo: "skip" };
    traces.push({ ...edge, y: gaps(row.band.low) }, { ...edge, y: gaps(row.band.high), fill: "tonexty", fillcolor: colour("--policy-0") + "33" });
  }
  for (const policy of policiesIn(row)) {
    const hover = `%{y:.5g} at step %{x}<extra>${safe(policy)}</extra>`;
    const cells = cellsOf(row, policy);
    const curves = view.seed === null ? [row.curves[policy]] : cells.map((cell) => cell.series.loss);
    for (const curve of curves.filter(Boolean))
      traces.push({ x: curve.step, y: gaps(curve.value), name: policy, mode: "lines", line: line(policy), hovertemplate: hover });
    const dead = cells.filter((cell) => cell.counts && cell.result.first_nonfinite);
    if (dead.length)
      traces.push({
        x: dead.map((cell) => cell.result.first_nonfinite.step), y: dead.map((cell) => within(lastFinite(cell))), mode: "markers", cliponaxis: false,
        marker: { symbol: "x", size: 10, color: colour(colourName(policy)), line: { color: colour("--page"), width: 1 } },
        text: dead.map((cell) => `seed ${cell.seed}: ${cell.result.first_nonfinite.kind} in ${cell.result.first_nonfinite.tensor}, step ${cell.result.first_nonfinite.step}`).map(safe),
        hovertemplate: `%{text}<extra>${safe(policy)}</extra>`,
      });
  }
  return traces;
}

function lastFinite(cell) {
  const values = (cell.series.loss?.value ?? []).filter(isNumber);
  return values.length ? number(values[values.length - 1]) : 0;
}

function curvesFigure() {
  const plot = (row) => ({
    title: rowName(row), label: `Training loss by step, ${rowName(row)}: ${policiesIn(row).join(", ")}`,
    make: () => {
      const frame = lossFrame(row);
      return { traces: curveTraces(row, frame), layout: { x: { label: "step" }, y: { label: "training loss (nats)", ...(frame ? { range: frame } : {}) } } };
    },
  });
  const numbers = () => table(["Scenario", "Policy", "Training loss, first to last", "Largest distance to fp32_true", "Mean distance", "Mean, over rounding's own"],
    view.rows.flatMap((row) => policiesIn(row).map((policy) => {
      const cells = countingCells(row, policy), apart = row.policies[policy].divergence;
      return [row.label, policy,
        `${spreadText(spread(measured(cells, (r) => r.convergence?.train_loss_first)), significant)} \u2192 ${spreadText(spread(measured(cells, (r) => r.convergence?.train_loss_last)), significant)}`,
        apart ? estimate(apart.max, 4) : none, apart ? estimate(apart.time_mean, 4) : none,
        apart?.over_noise_floor ? estimate(apart.over_noise_floor.time_mean, 2) : none];
    })));
  const band = view.rows.some((row) => row.band);
  return {
    id: "curves", title: "Loss curves", plots: view.rows.map(plot), numbers,
    caption: (view.seed === null
      ? `Lines: mean over the seeds still finite (n: ${seedText(view.rows)}). ${band ? "Band: range of fp32_true over its seeds." : "With one seed fp32_true has no band."}`
      : `Lines: seed ${view.seed} alone (n = 1).`)
      + " \u2715: a seed's first non-finite value. The frame holds the policies that came to their last step; a loss that leaves it goes on outside (a double click shows all). Curves longer than 200 steps are thinned: of each of 100 stretches the lowest and the highest value stay, and every change between finite and non-finite; values have five digits.",
  };
}

// --- Survival ---

function survivalTraces(row) {
  return policiesIn(row).flatMap((policy) => {
    const stability = row.policies[policy].stability;
    if (!stability) return [];
    const end = Math.max(...countingCells(row, policy).map((cell) => cell.result.steps_completed), 0);
    const steps = stability.kaplan_meier;
    const x = [0, ...steps.map((s) => s.step), end], y = [1, ...steps.map((s) => s.survival)];
    y.push(y[y.length - 1]);
    const text = [`${stability.n} at risk`, ...steps.map((s) => `${s.events} of ${s.at_risk} at step ${s.step}${isNumber(s.low) ? `; 95 % interval ${fixed(s.low, 2)} to ${fixed(s.high, 2)}` : ""}`), "censored"];
    const traces = [];
    if (steps.some((s) => isNumber(s.low))) {
      const edge = { x, mode: "lines", line: { width: 0, shape: "hv" }, hoverinfo: "skip" };
      const ends = (key) => { const list = [1, ...steps.map((s) => (isNumber(s[key]) ? s[key] : s.survival))]; return [...list, list[list.length - 1]]; };
      traces.push({ ...edge, y: ends("low") }, { ...edge, y: ends("high"), fill: "tonexty", fillcolor: colour(colourName(policy)) + "22" });
    }
    traces.push({ x, y, text, name: policy, mode: "lines+markers", line: { ...line(policy), shape: "hv" }, marker: { symbol: symbolOf(policy), size: 6, color: colour(colourName(policy)) },
      hovertemplate: `%{y:.0%} finite; %{text}<extra>${safe(policy)}</extra>` });
    return traces;
  });
}

function survivalFigure() {
  const plot = (row) => ({
    title: rowName(row), label: `Share of seeds still finite by step, ${rowName(row)}`,
    make: () => ({ traces: survivalTraces(row), layout: { x: { label: "step" }, y: { label: "share finite", range: [-0.05, 1.05], tickformat: ".0%" } } }),
  });
  const numbers = () => table(["Scenario", "Policy", "Finite", "Survived (finite and trained)", "95 % interval", "First non-finite"],
    view.rows.flatMap((row) => policiesIn(row).filter((policy) => row.policies[policy].stability).map((policy) => {
      const s = row.policies[policy].stability;
      return [row.label, policy, `${s.finite} of ${s.n}`, `${s.survived} of ${s.n}`, `${fixed(s.low, 2)} to ${fixed(s.high, 2)}`, firstNonfinite(row.policies[policy]) ?? "none"];
    })));
  return {
    id: "survival", title: "Survival: steps to the first non-finite value", plots: view.rows.map(plot), numbers,
    caption: `Kaplan-Meier, over all seeds whatever the filter (n: ${seedText(view.rows)}); shaded: 95 % intervals, from Greenwood's variance on the log(\u2212log) scale, where more than one seed and a survivor allow them. A line that ends at 100 % says \u201Cnone up to this step\u201D, not \u201Cnever\u201D.`,
  };
}

// --- Speed against quality ---

const priced = report.cells.some((cell) => isNumber(cell.result?.price_usd));
let byPrice = false;

function paretoPoints(row) {
  const pick = (r) => r.convergence?.[row.quality.metric];
  const rate = (r) => r.throughput?.samples_per_s;
  const dollars = (r) => (isNumber(r.price_usd) && r.wall_s > 0 && rate(r) > 0 ? (1e6 * r.price_usd) / (r.wall_s * rate(r)) : null);
  return policiesIn(row).map((policy) => {
    const cells = completedCells(row, policy);
    return { policy, x: spread(measured(cells, byPrice ? dollars : rate)), y: spread(measured(cells, pick)), entry: row.policies[policy] };
  });
}

// Points that no other beats on both counts, by rising x.
function front(points, row) {
  const better = (a, b) => (byPrice ? a.x.mean <= b.x.mean : a.x.mean >= b.x.mean) && (row.quality.higher_is_better ? a.y.mean >= b.y.mean : a.y.mean <= b.y.mean)
    && (a.x.mean !== b.x.mean || a.y.mean !== b.y.mean);
  return points.filter((p) => !points.some((other) => better(other, p))).sort((a, b) => a.x.mean - b.x.mean);
}

function paretoTraces(row) {
  const points = paretoPoints(row).filter((p) => p.x && p.y);
  const best = front(points, row);
  const unit = byPrice ? "$ per million samples" : "samples/s";
  return [
    { x: best.map((p) => p.x.mean), y: best.map((p) => p.y.mean), mode: "lines", line: { color: colour("--muted"), width: 1, dash: "dot" }, hoverinfo: "skip" },
    ...points.map((p) => ({
      x: [p.x.mean], y: [p.y.mean], error_x: { ...bars([p.x]), color: colour(colourName(p.policy)) }, error_y: { ...bars([p.y]), color: colour(colourName(p.policy)) },
      name: p.policy, mode: "markers", marker: { symbol: symbolOf(p.policy), size: best.includes(p) ? 12 : 9, color: colour(colourName(p.policy)), line: { width: 1, color: colour("--page") } },
      hovertemplate: `%{x:.4g} ${unit}<br>${row.quality.name} %{y:.5g}<br>${safe(`speed over fp32_true ${p.entry.speed ? estimate(p.entry.speed, 3) : none}`)}<br>${safe(`quality against it ${p.entry.difference ? estimate(p.entry.difference, 4, true) : none}`)}<extra>${safe(p.policy)}</extra>`,
    })),
  ];
}

function paretoFigure() {
  const plot = (row) => {
    const missing = paretoPoints(row).filter((p) => !p.x || !p.y).map((p) => p.policy);
    return {
      title: rowName(row), label: `Speed against ${row.quality.name}, ${rowName(row)}`, note: missing.length ? `not shown, since no seed came to its last step: ${missing.join(", ")}` : null,
      make: () => ({ traces: paretoTraces(row), layout: { x: { label: byPrice ? "$ per million samples" : "samples/s", autorange: byPrice ? "reversed" : true }, y: { label: row.quality.name, autorange: row.quality.higher_is_better ? true : "reversed" } } }),
    };
  };
  const numbers = () => table(["Scenario", "Policy", byPrice ? "$ per million samples" : "samples/s", "Quality", "On the front"],
    view.rows.flatMap((row) => {
      const points = paretoPoints(row), best = front(points.filter((p) => p.x && p.y), row);
      return points.map((p) => [row.label, p.policy, spreadText(p.x, significant), spreadText(p.y, (v) => fixed(v, 4)), best.includes(p) ? "yes" : "no"]);
    }));
  const choice = (label, value) => el("label", {}, el("input", { type: "radio", name: "unit", checked: byPrice === value, onchange: () => { byPrice = value; showFigures(); } }), " ", label);
  return {
    id: "pareto", title: "Speed against quality", plots: view.rows.map(plot), numbers,
    extra: priced ? el("fieldset", { class: "switch" }, choice("samples per second", false), choice("dollars", true)) : null,
    caption: `Up and to the right is better; the dotted line joins the Pareto front, large marks lie on it. Means over the seeds that came to their last step; bars: their range (n: ${seedText(view.rows)}). The paired ratios and differences, with 95 % intervals, are on the marks and in the tables below.`
      + (priced ? " Dollars: what the record says the run cost, over its time and rate." : " No record has a price, so there is no figure in dollars."),
  };
}

// --- MFU ---

function mfuFigure() {
  const kinds = [["vs_measured", "measured peak", "circle"], ["vs_spec", "data sheet", "diamond-open"]];
  const plot = (row) => ({
    title: rowName(row), label: `Model FLOPs utilisation by policy, ${rowName(row)}`,
    make: () => {
      const policies = policiesIn(row);
      const traces = kinds.map(([key, name, symbol]) => {
        const found = policies.map((policy) => [policy, spread(measured(completedCells(row, policy), (r) => r.mfu?.[key]))]).filter(([, range]) => range);
        return {
          y: found.map(([policy]) => policy), x: found.map(([, range]) => range.mean), error_x: { ...bars(found.map(([, range]) => range)), color: colour("--muted") },
          name, mode: "markers", marker: { symbol, size: 10, color: found.map(([policy]) => colour(colourName(policy))), line: { width: 2, color: found.map(([policy]) => colour(colourName(policy))) } },
          hovertemplate: `%{x:.1%} of the ${name}<extra>%{y}</extra>`,
        };
      });
      return { traces, layout: { x: { tickformat: ".0%", rangemode: "tozero" }, y: { type: "category", categoryorder: "array", categoryarray: [...policies].reverse(), range: [-0.6, policies.length - 0.4] } } };
    },
  });
  const numbers = () => table(["Scenario", "Policy", "Of the measured peak", "Of the data sheet's peak"],
    view.rows.flatMap((row) => policiesIn(row).map((policy) => [row.label, policy, ...kinds.map(([key]) => spreadText(spread(measured(completedCells(row, policy), (r) => r.mfu?.[key])), percent))])));
  const anySheet = report.cells.some((cell) => isNumber(cell.result?.mfu?.vs_spec));
  return {
    id: "mfu", title: "MFU", plots: view.rows.map(plot), numbers,
    caption: `FLOPs needed over time and peak, the peak being that of the datatype of the products. Filled: against the peak measured on this device; open: against the data sheet${anySheet ? "" : " (there is none for this device)"}. Means over the seeds that came to their last step; bars: their range (n: ${seedText(view.rows)}). A policy with a faster datatype is held against a higher peak.`,
  };
}

// --- Memory ---

const parts = [["parameters", (m) => m.parameters_bytes], ["gradients", (m) => m.gradients_bytes], ["optimizer states", (m) => m.optimizer_state_bytes],
  ["rest of the peak", (m) => (isNumber(m.peak_allocated_bytes) ? Math.max(0, m.peak_allocated_bytes - (m.parameters_bytes ?? 0) - (m.gradients_bytes ?? 0) - (m.optimizer_state_bytes ?? 0)) : null)]];

function memoryFigure() {
  const plot = (row) => ({
    title: rowName(row), label: `Memory by part and policy, ${rowName(row)}`,
    make: () => {
      const policies = policiesIn(row).filter((policy) => measured(countingCells(row, policy), (r) => r.memory?.peak_allocated_bytes).length);
      const mean = (policy, pick) => spread(measured(countingCells(row, policy), (r) => r.memory && pick(r.memory)))?.mean ?? null;
      const scale = Math.max(...policies.map((policy) => mean(policy, (m) => m.peak_allocated_bytes)), 1) >= 2 ** 30 ? [2 ** 30, "GiB"] : [2 ** 20, "MiB"];
      const sized = (value) => (value === null ? null : value / scale[0]);
      const traces = parts.map(([name, pick], place) => ({
        type: "bar", orientation: "h", name, y: policies, x: policies.map((policy) => sized(mean(policy, pick))), marker: { color: colour(`--part-${place}`) },
        hovertemplate: `%{x:.4g} ${scale[1]} ${name}<extra>%{y}</extra>`,
      }));
      traces.push({ y: policies, x: policies.map((policy) => sized(mean(policy, (m) => m.predicted?.total_bytes))), name: "predicted", mode: "markers",
        marker: { symbol: "line-ns-open", size: 16, color: colour("--text"), line: { width: 2, color: colour("--text") } }, hovertemplate: `%{x:.4g} ${scale[1]} predicted<extra>%{y}</extra>` });
      return { traces, layout: { barmode: "stack", x: { label: scale[1] }, y: { type: "category", categoryorder: "array", categoryarray: [...policies].reverse() } } };
    },
  });
  const numbers = () => table(["Scenario", "Policy", "Peak", ...parts.map(([name]) => name), "Predicted peak"],
    view.rows.flatMap((row) => policiesIn(row).map((policy) => [row.label, policy,
      ...[(m) => m.peak_allocated_bytes, ...parts.map(([, pick]) => pick), (m) => m.predicted?.total_bytes].map((pick) =>
        spreadText(spread(measured(countingCells(row, policy), (r) => r.memory && pick(r.memory))), bytes))])));
  return {
    id: "memory", title: "Memory by part", plots: view.rows.map(plot), numbers,
    legend: el("ul", { class: "legend" }, parts.map(([name], place) => el("li", {}, el("span", { class: "swatch", style: `background:var(--part-${place})` }), name)), el("li", {}, "\u2503 predicted by formula")),
    caption: `The bar's length is the peak that the allocator saw; parameters, gradients and optimizer states are what the tensors hold, the rest are activations and what operations need for a while. Means over seeds (n: ${seedText(view.rows)}).`,
  };
}

// --- Loss scale ---

// Powers of two, at most six of them.
function powerTicks(series) {
  const exponents = series.flatMap((each) => each.value).filter((value) => isNumber(value) && number(value) > 0).map((value) => Math.log2(number(value)));
  if (exponents.length === 0) return {};
  const low = Math.floor(exponents.reduce((a, b) => Math.min(a, b))), high = Math.ceil(exponents.reduce((a, b) => Math.max(a, b)));
  const apart = Math.max(1, Math.ceil((high - low) / 5)), ticks = [];
  for (let exponent = low; exponent <= high; exponent += apart) ticks.push(exponent);
  return { tickmode: "array", tickvals: ticks.map((exponent) => 2 ** exponent), ticktext: ticks.map((exponent) => `2<sup>${exponent}</sup>`), range: [(low - 0.5) * Math.log10(2), (high + 0.5) * Math.log10(2)] };
}

function scaleFigure() {
  const scaled = (row) => policiesIn(row).filter((policy) => cellsOf(row, policy).some((cell) => cell.series.loss_scale));
  const plot = (row) => ({
    title: rowName(row), label: `Loss scale by step, ${rowName(row)}`,
    make: () => ({
      traces: scaled(row).flatMap((policy) => cellsOf(row, policy).filter((cell) => cell.series.loss_scale).flatMap((cell) => {
        const { step, value } = cell.series.loss_scale;
        const at = (wanted) => { let found = value[0]; step.forEach((s, place) => { if (s <= wanted) found = value[place]; }); return found; };
        return [
          { x: step, y: gaps(value), mode: "lines", line: { ...line(policy), shape: "hv" }, hovertemplate: `%{y} from step %{x}<extra>${safe(policy)}, seed ${cell.seed}</extra>` },
          { x: cell.series.skipped, y: cell.series.skipped.map(at), mode: "markers", marker: { symbol: "x-thin-open", size: 8, color: colour("--bad") }, hovertemplate: `step %{x} skipped<extra>${safe(policy)}, seed ${cell.seed}</extra>` },
        ];
      })),
      layout: { x: { label: "step" }, y: { label: "loss scale", type: "log", ...powerTicks(scaled(row).flatMap((policy) => cellsOf(row, policy)).map((cell) => cell.series.loss_scale).filter(Boolean)) } },
    }),
  });
  const rows = view.rows.filter((row) => scaled(row).length > 0);
  const numbers = () => table(["Scenario", "Policy", "Seed", "Final scale", "Skipped steps"],
    rows.flatMap((row) => scaled(row).flatMap((policy) => countingCells(row, policy).map((cell) => [row.label, policy, String(cell.seed), significant(cell.result.loss_scale?.final, 8), String(cell.result.loss_scale?.skipped_steps ?? none)]))));
  return {
    id: "loss-scale", title: "Loss scale", plots: rows.map(plot), numbers: rows.length ? numbers : null,
    caption: rows.length ? `Every seed's own trace (n: ${seedText(rows)}; no interval), on a logarithmic scale; crosses: steps that an overflow skipped.` : "No cell in view scales its loss.",
  };
}

// --- All of them ---

const figureMakers = [curvesFigure, survivalFigure, paretoFigure, mfuFigure, memoryFigure, scaleFigure];

function legend() {
  return el("ul", { class: "legend", "aria-label": "Policies" }, view.policies.map((policy) => el("li", {}, el("span", { class: "swatch", style: `background:var(${colourName(policy)})` }), policy)));
}

function figureBlock(figure) {
  const block = el("figure", { id: figure.id, "aria-labelledby": `${figure.id}-title` },
    el("h2", { id: `${figure.id}-title` }, figure.title), figure.legend ?? legend(), figure.extra ?? null,
    window.Plotly ? null : el("p", { class: "chip broken" }, "This build of dtbench carries no plot library: the numbers stand below instead of plots."),
    el("div", { class: "plots" }, window.Plotly ? figure.plots.map((plot) => el("div", { class: "plot" }, el("h3", {}, plot.title), plotPlace(plot.label, plot.make), plot.note ? el("p", { class: "caption" }, plot.note) : null)) : []),
    el("figcaption", {}, figure.caption + syntheticText(view.rows)));
  if (figure.numbers) {
    const numbers = el("details", { open: !window.Plotly }, el("summary", {}, `Numbers: ${figure.title}`));
    const put = () => { if (numbers.open && numbers.children.length === 1) numbers.append(wide(`${figure.title}, numbers`, figure.numbers())); };
    numbers.addEventListener("toggle", put);
    put();
    block.append(numbers);
  }
  return block;
}

function showFigures() {
  const container = document.getElementById("figures");
  forget(container);
  container.replaceChildren(...figureMakers.map((make) => figureBlock(make())));
}
