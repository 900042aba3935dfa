// Figures that set the policies beside each other: speed against quality, memory. As the figures
// over steps; those of shares are in share_figures.js.

// --- Speed against quality ---

const priced = report.cells.some((cell) => isNumber(cell.result?.price_usd));
let byPrice = false;

function paretoPoints(row) {
  const pick = (r) => r.convergence?.[row.quality.metric];
  const rate = (r) => r.throughput?.samples_per_s;
  const dollars = (r) =>
      (isNumber(r.price_usd) && r.wall_s > 0 && rate(r) > 0 ?
           (1e6 * r.price_usd) / (r.wall_s * rate(r)) :
           null);
  return policiesIn(row).map((policy) => {
    const cells = completedCells(row, policy);
    return {
      policy,
      x: spread(measured(cells, byPrice ? dollars : rate)),
      y: spread(measured(cells, pick)),
      entry: row.policies[policy]
    };
  });
}

// Points that no other beats on both counts, by rising x.
function front(points, row) {
  const better = (a, b) => (byPrice ? a.x.mean <= b.x.mean : a.x.mean >= b.x.mean) &&
      (row.quality.higher_is_better ? a.y.mean >= b.y.mean : a.y.mean <= b.y.mean) &&
      (a.x.mean !== b.x.mean || a.y.mean !== b.y.mean);
  return points.filter((p) => !points.some((other) => better(other, p)))
      .sort((a, b) => a.x.mean - b.x.mean);
}

function paretoTraces(row) {
  const points = paretoPoints(row).filter((p) => p.x && p.y);
  const best = front(points, row);
  const unit = byPrice ? "$ per million samples" : "samples/s";
  return [
    {
      x: best.map((p) => p.x.mean),
      y: best.map((p) => p.y.mean),
      mode: "lines",
      line: {color: colour("--muted"), width: 1, dash: "dot"},
      hoverinfo: "skip"
    },
    ...points.map((p) => ({
                    x: [p.x.mean],
                    y: [p.y.mean],
                    error_x: {...bars([p.x]), color: colour(colourName(p.policy))},
                    error_y: {...bars([p.y]), color: colour(colourName(p.policy))},
                    name: p.policy,
                    mode: "markers",
                    marker: {
                      symbol: symbolOf(p.policy),
                      size: best.includes(p) ? 12 : 9,
                      color: colour(colourName(p.policy)),
                      line: {width: 1, color: colour("--page")}
                    },
                    hovertemplate: `%{x:.4g} ${unit}<br>${row.quality.name} %{y:.5g}<br>${
                        safe(`speed over fp32_true ${
                            p.entry.speed ? estimate(p.entry.speed, 3) : none}`)}<br>${
                        safe(`quality against it ${
                            p.entry.difference ? estimate(p.entry.difference, 4, true) :
                                                 none}`)}<extra>${safe(p.policy)}</extra>`,
                  })),
  ];
}

function paretoFigure() {
  const plot = (row) => {
    const missing = paretoPoints(row).filter((p) => !p.x || !p.y).map((p) => p.policy);
    return {
      title: rowName(row),
      label: `Speed against ${row.quality.name}, ${rowName(row)}`,
      note: missing.length ?
          `not shown, because no seed reached its last step: ${missing.join(", ")}` :
          null,
      make: () => ({
        traces: paretoTraces(row),
        layout: {
          x: {
            label: byPrice ? "$ per million samples" : "samples/s",
            autorange: byPrice ? "reversed" : true
          },
          y: {label: row.quality.name, autorange: row.quality.higher_is_better ? true : "reversed"}
        }
      }),
    };
  };
  const numbers = () => table(
      [
        "Scenario", "Policy", byPrice ? "$ per million samples" : "samples/s", "Quality",
        "On the front"
      ],
      view.rows.flatMap((row) => {
        const points = paretoPoints(row), best = front(points.filter((p) => p.x && p.y), row);
        return points.map(
            (p) =>
                [row.label, p.policy, spreadText(p.x, significant),
                 spreadText(p.y, (v) => fixed(v, 4)), best.includes(p) ? "yes" : "no"]);
      }));
  const choice = (label, value) => radio("unit", label, byPrice === value, () => {
    byPrice = value;
    showFigures();
  });
  return {
    id: "pareto",
    title: "Speed against quality",
    plots: view.rows.map(plot),
    numbers,
    extra: priced ? el("fieldset", {class: "switch"}, choice("samples per second", false),
                       choice("dollars", true)) :
                    null,
    caption:
        `Up and to the right is better. The dotted line joins the Pareto front; large marks lie on it. Marks: means over the seeds that reached their last step; bars: their range (n: ${
            seedText(
                view.rows)}). The paired ratios and differences, with 95 % intervals, are on the marks and in the tables below.` +
        (priced ? " Dollars: the recorded cost of the run, from its time and rate." :
                  " No record has a price, so there is no figure in dollars."),
  };
}

// --- Memory ---

const parts = [
  ["parameters", (m) => m.parameters_bytes], ["gradients", (m) => m.gradients_bytes],
  ["optimizer states", (m) => m.optimizer_state_bytes],
  [
    "rest of the peak",
    (m) =>
        (isNumber(m.peak_allocated_bytes) ?
             Math.max(
                 0,
                 m.peak_allocated_bytes - (m.parameters_bytes ?? 0) - (m.gradients_bytes ?? 0) -
                     (m.optimizer_state_bytes ?? 0)) :
             null)
  ]
];

function memoryFigure() {
  const plot = (row) => ({
    title: rowName(row),
    label: `Memory by part and policy, ${rowName(row)}`,
    make: () => {
      const policies = policiesIn(row).filter(
          (policy) =>
              measured(countingCells(row, policy), (r) => r.memory?.peak_allocated_bytes).length);
      const mean = (policy, pick) =>
          spread(measured(countingCells(row, policy), (r) => r.memory && pick(r.memory)))?.mean ??
          null;
      const scale =
          Math.max(...policies.map((policy) => mean(policy, (m) => m.peak_allocated_bytes)), 1) >=
              2 ** 30 ?
          [2 ** 30, "GiB"] :
          [2 ** 20, "MiB"];
      const sized = (value) => (value === null ? null : value / scale[0]);
      return partBars({
        policies,
        names: parts.map(([name]) => name),
        value: (policy, place) => sized(mean(policy, parts[place][1])),
        unit: scale[1],
        axis: scale[1],
        stroke: "predicted",
        strokeAt: (policy) => sized(mean(policy, (m) => m.predicted?.total_bytes))
      });
    },
  });
  const numbers = () => table(
      ["Scenario", "Policy", "Peak", ...parts.map(([name]) => name), "Predicted peak"],
      view.rows.flatMap(
          (row) => policiesIn(row).map(
              (policy) =>
                  [row.label, policy,
                   ...[(m) => m.peak_allocated_bytes, ...parts.map(([, pick]) => pick),
                       (m) => m.predicted?.total_bytes]
                       .map(
                           (pick) => spreadText(
                               spread(measured(
                                   countingCells(row, policy), (r) => r.memory && pick(r.memory))),
                               bytes))])));
  return {
    id: "memory",
    title: "Memory by part",
    plots: view.rows.map(plot),
    numbers,
    legend: partLegend(parts.map(([name]) => name), "predicted by formula"),
    caption:
        `The bar's length is the peak that the allocator saw; parameters, gradients and optimizer states are what the tensors hold, the rest are activations and what operations need for a while. Means over seeds (n: ${
            seedText(view.rows)}).`,
  };
}
