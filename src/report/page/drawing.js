// Plots: drawn when they come into view, and again when filters, colours or paper ask for it; and
// what of the records the filters leave.

const view = {
  rows: report.rows,
  policies: report.policies,
  seed: null
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const safe = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;");

function layoutOf(options) {
  const axis = {
    gridcolor: colour("--line"),
    zerolinecolor: colour("--line"),
    linecolor: colour("--line"),
    automargin: true,
    ...options.axis
  };
  return {
    font: {family: getComputedStyle(document.body).fontFamily, size: 11.5, color: colour("--text")},
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: {l: 48, r: 10, t: 6, b: 38},
    showlegend: false,
    hovermode: "closest",
    hoverlabel: {
      bgcolor: colour("--raised"),
      bordercolor: colour("--line"),
      font: {color: colour("--text")},
      align: "left"
    },
    xaxis: {...axis, ...options.x, title: {text: options.x?.label ?? "", standoff: 4}},
    yaxis: {...axis, ...options.y, title: {text: options.y?.label ?? "", standoff: 4}},
    barmode: options.barmode,
    shapes: options.shapes ?? [],
  };
}

// --- Drawing when seen ---

const plots = new Map();  // place -> a function that gives {traces, layout}
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries)
    if (entry.isIntersecting) draw(entry.target);
}, {rootMargin: "300px"});

function draw(place) {
  const make = plots.get(place);
  if (!make || place.dataset.drawn === "yes") return;
  place.dataset.drawn = "yes";
  const {traces, layout} = make();
  Plotly.react(place, traces, layoutOf(layout), {displayModeBar: false, responsive: true});
}

function plotPlace(label, make) {
  const place = el("div", {role: "img", "aria-label": label});
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
    if (drawn) Plotly.purge(place);  // so that it fits a page of another width
    place.dataset.drawn = "";
    if (drawn || all) draw(place);
  }
}

// --- Curves over steps ---

// What is asked of curves over steps: a logarithmic axis, a mean over so many steps.
const curveStyle = {
  logarithmic: false,
  smoothing: 1
};

// Each point becomes the mean of those drawn within `smoothing` steps around it; gaps stay.
function smoothed(series) {
  const values = gaps(series.value), half = (curveStyle.smoothing - 1) / 2;
  if (half === 0) return values;
  let begin = 0, end = 0;
  return values.map((value, place) => {
    const step = series.step[place];
    while (series.step[begin] < step - half) ++begin;
    while (end < values.length && series.step[end] <= step + half) ++end;
    const near = values.slice(begin, end).filter((each) => each !== null);
    return value === null ? null : near.reduce((sum, each) => sum + each, 0) / near.length;
  });
}

// A series as its line shows it.
const drawn = (series) => (series ? {step: series.step, value: smoothed(series)} : null);

function lastNumber(series) {
  const values = (series?.value ?? []).filter(isNumber);
  return values.length ? number(values[values.length - 1]) : null;
}

// The value in force at a step: that of the last point before it.
function valueAt(series, step) {
  let found = series.value[0];
  series.step.forEach((each, place) => {
    if (each <= step) found = series.value[place];
  });
  return isNumber(found) ? number(found) : lastNumber(series);
}

// A cross where a curve ends because its cell met a non-finite value. `heights`: of each cell.
function deathTrace(cells, heights, shade, name) {
  const firsts = cells.map((cell) => cell.result.first_nonfinite);
  return {
    x: firsts.map((first) => first.step),
    y: heights,
    mode: "markers",
    cliponaxis: false,
    marker: {symbol: "x", size: 10, color: shade, line: {color: colour("--page"), width: 1}},
    text: cells.map(
        (cell, place) => safe(`seed ${cell.seed}: ${firsts[place].kind} in ${
            firsts[place].tensor}, step ${firsts[place].step}`)),
    hovertemplate: `%{text}<extra>${safe(name)}</extra>`,
  };
}

// Thin crosses at the steps that a loss scale skipped.
function skippedTrace(cell, series, name) {
  return {
    x: cell.series.skipped,
    y: cell.series.skipped.map((step) => valueAt(series, step)),
    mode: "markers",
    marker: {symbol: "x-thin-open", size: 8, color: colour("--bad")},
    hovertemplate: `step %{x} skipped<extra>${safe(name)}</extra>`
  };
}

const diedCells = (cells) => cells.filter((cell) => cell.counts && cell.result.first_nonfinite);

// --- What the filters leave ---

const inView = (cell) => view.seed === null || cell.seed === view.seed;
const cellsWith = (row, policy) =>
    (row.policies[policy]?.cells ?? []).map((place) => report.cells[place]);
const cellsOf = (row, policy) => cellsWith(row, policy).filter(inView);
const countingCells = (row, policy) => cellsOf(row, policy).filter((cell) => cell.counts);
const completedCells = (row, policy) =>
    countingCells(row, policy).filter((cell) => cell.result.status === "completed");
const policiesIn = (row) => view.policies.filter((policy) => cellsOf(row, policy).length > 0);
const measured = (cells, pick) =>
    cells.map((cell) => pick(cell.result)).filter(isNumber).map(number);

function spread(values) {
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return {mean, low: Math.min(...values), high: Math.max(...values), n: values.length};
}

const spreadText = (range, show) => !range ? none :
    range.n === 1                          ? show(range.mean) :
                    `${show(range.mean)} (${show(range.low)} to ${show(range.high)})`;

// Plotly's error bars from a mean to the ends of a range.
const bars = (ranges) => ({
  type: "data",
  symmetric: false,
  thickness: 1,
  width: 3,
  array: ranges.map((range) => range.high - range.mean),
  arrayminus: ranges.map((range) => range.mean - range.low),
});

// A bar of parts for each policy, and a stroke across it. `value(policy, place)`: of a part;
// `strokeAt(policy)`: where the stroke stands.
function partBars({policies, names, value, unit, axis, stroke, strokeAt}) {
  const bars = names.map((name, place) => ({
                           type: "bar",
                           orientation: "h",
                           name,
                           y: policies,
                           x: policies.map((policy) => value(policy, place)),
                           marker: {color: colour(`--part-${place}`)},
                           hovertemplate: `%{x:.4g} ${unit} ${name}<extra>%{y}</extra>`,
                         }));
  const strokes = {
    y: policies,
    x: policies.map(strokeAt),
    name: stroke,
    mode: "markers",
    marker: {
      symbol: "line-ns-open",
      size: 16,
      color: colour("--text"),
      line: {width: 2, color: colour("--text")}
    },
    hovertemplate: `%{x:.4g} ${unit} ${stroke}<extra>%{y}</extra>`
  };
  return {
    traces: [...bars, strokes],
    layout: {
      barmode: "stack",
      x: {label: axis},
      y: {type: "category", categoryorder: "array", categoryarray: [...policies].reverse()}
    }
  };
}
