// Figures over training steps: loss, survival, loss scale. Each is a function from what the filters
// choose to plots, their numbers and a caption.

// --- Loss curves ---

const line = (policy, width = 1.6) => ({
  color: colour(colourName(policy)),
  width: policy === "fp32_true" ? 2.4 : width,
  dash: dashOf(policy)
});

// What the policies that came to their last step reach: a loss that blows up leaves this frame.
function lossFrame(row) {
  const values = policiesIn(row)
                     .filter((policy) => completedCells(row, policy).length)
                     .flatMap((policy) => row.curves[policy]?.value ?? [])
                     .filter(isNumber)
                     .map(number);
  if (values.length === 0) return null;
  const low = values.reduce((a, b) => Math.min(a, b)),
        high = values.reduce((a, b) => Math.max(a, b));
  const air = 0.06 * (high - low || Math.abs(high) || 1);
  return [low - air, high + air];
}

function curveTraces(row, frame) {
  const within = (value) => (frame ? Math.min(Math.max(value, frame[0]), frame[1]) : value);
  const traces = [];
  if (view.seed === null && row.band && view.policies.includes("fp32_true")) {
    const edge = {x: row.band.step, mode: "lines", line: {width: 0}, hoverinfo: "skip"};
    traces.push(
        {...edge, y: gaps(row.band.low)},
        {...edge, y: gaps(row.band.high), fill: "tonexty", fillcolor: colour("--policy-0") + "33"});
  }
  for (const policy of policiesIn(row)) {
    const hover = `%{y:.5g} at step %{x}<extra>${safe(policy)}</extra>`;
    const cells = cellsOf(row, policy);
    const curves =
        view.seed === null ? [row.curves[policy]] : cells.map((cell) => cell.series.loss);
    for (const curve of curves.filter(Boolean))
      traces.push({
        x: curve.step,
        y: smoothed(curve),
        name: policy,
        mode: "lines",
        line: line(policy),
        hovertemplate: hover
      });
    const dead = diedCells(cells);
    const heights = dead.map((cell) => within(lastNumber(drawn(cell.series.loss)) ?? 0));
    if (dead.length) traces.push(deathTrace(dead, heights, colour(colourName(policy)), policy));
    if (curves.some(Boolean))
      traces.push(...cells.filter((cell) => cell.series.skipped.length)
                      .map((cell) => skippedTrace(cell, drawn(curves.find(Boolean)), policy)));
  }
  return traces;
}

// A logarithmic axis has no place for what is not above zero.
function lossAxis(frame) {
  const logarithmic = curveStyle.logarithmic && (!frame || frame[0] > 0);
  const range = frame && logarithmic ? frame.map(Math.log10) : frame;
  return {
    label: "training loss (nats)",
    type: logarithmic ? "log" : "linear",
    ...(range ? {range} : {})
  };
}

// The switches of all figures over steps: one axis, one smoothing.
function curveSwitches() {
  const set = (name, value) => {
    curveStyle[name] = value;
    redraw(false);
    for (const box of document.querySelectorAll("input[name=logarithmic]"))
      box.checked = curveStyle.logarithmic;
  };
  const change = (event) => set("smoothing", Number(event.target.value));
  return el(
      "fieldset", {class: "switch"}, el("legend", {}, "Curves"),
      el("label", {}, el("input", {
           type: "checkbox",
           name: "logarithmic",
           checked: curveStyle.logarithmic,
           onchange: (event) => set("logarithmic", event.target.checked)
         }),
         " logarithmic loss"),
      el("label", {}, "mean over ",
         el("select", {name: "smoothing", onchange: change},
            [1, 5, 21, 101].map(
                (steps) =>
                    el("option", {value: steps, selected: steps === curveStyle.smoothing},
                       count(steps, "step"))))));
}

function curvesFigure() {
  const plot = (row) => ({
    title: rowName(row),
    label: `Training loss by step, ${rowName(row)}: ${policiesIn(row).join(", ")}`,
    make: () => {
      const frame = lossFrame(row);
      return {traces: curveTraces(row, frame), layout: {x: {label: "step"}, y: lossAxis(frame)}};
    },
  });
  const numbers = () => table(
      [
        "Scenario", "Policy", "Training loss, first to last", "Largest distance from fp32_true",
        "Mean distance", "Mean, over rounding's own"
      ],
      view.rows.flatMap((row) => policiesIn(row).map((policy) => {
        const cells = countingCells(row, policy), apart = row.policies[policy].divergence;
        return [
          row.label, policy,
          `${
              spreadText(
                  spread(measured(cells, (r) => r.convergence?.train_loss_first)),
                  significant)} \u2192 ${
              spreadText(
                  spread(measured(cells, (r) => r.convergence?.train_loss_last)), significant)}`,
          apart ? estimate(apart.max, 4) : none, apart ? estimate(apart.time_mean, 4) : none,
          apart?.over_noise_floor ? estimate(apart.over_noise_floor.time_mean, 2) : none
        ];
      })));
  const band = view.rows.some((row) => row.band);
  return {
    id: "curves",
    title: "Loss curves",
    plots: view.rows.map(plot),
    numbers,
    extra: curveSwitches(),
    caption: (view.seed === null ?
                  `Lines: mean over the seeds still finite (n: ${seedText(view.rows)}). ${
                      band ? "Band: range of fp32_true over its seeds." :
                             "With one seed, fp32_true has no band."}` :
                  `Lines: seed ${view.seed} alone (n = 1).`) +
        " \u2715: a seed's first non-finite value; thin crosses: steps that a loss scale skipped. The frame fits the policies that reached their last step; losses may continue outside it (double-click to show all). Curves longer than 200 steps are thinned: each of 100 stretches keeps its lowest and highest value, and every change between finite and non-finite stays; values have five digits.",
  };
}

// --- Survival ---

function survivalTraces(row) {
  return policiesIn(row).flatMap((policy) => {
    const stability = row.policies[policy].stability;
    if (!stability) return [];
    const end =
        Math.max(...countingCells(row, policy).map((cell) => cell.result.steps_completed), 0);
    const steps = stability.kaplan_meier;
    const x = [0, ...steps.map((s) => s.step), end], y = [1, ...steps.map((s) => s.survival)];
    y.push(y[y.length - 1]);
    const text = [
      `${stability.n} at risk`,
      ...steps.map(
          (s) => `${s.events} of ${s.at_risk} at step ${s.step}${
              isNumber(s.low) ? `; 95 % interval ${fixed(s.low, 2)} to ${fixed(s.high, 2)}` : ""}`),
      "censored"
    ];
    const traces = [];
    if (steps.some((s) => isNumber(s.low))) {
      const edge = {x, mode: "lines", line: {width: 0, shape: "hv"}, hoverinfo: "skip"};
      const ends = (key) => {
        const list = [1, ...steps.map((s) => (isNumber(s[key]) ? s[key] : s.survival))];
        return [...list, list[list.length - 1]];
      };
      traces.push({...edge, y: ends("low")}, {
        ...edge,
        y: ends("high"),
        fill: "tonexty",
        fillcolor: colour(colourName(policy)) + "22"
      });
    }
    traces.push({
      x,
      y,
      text,
      name: policy,
      mode: "lines+markers",
      line: {...line(policy), shape: "hv"},
      marker: {symbol: symbolOf(policy), size: 6, color: colour(colourName(policy))},
      hovertemplate: `%{y:.0%} finite; %{text}<extra>${safe(policy)}</extra>`
    });
    return traces;
  });
}

function survivalFigure() {
  const plot = (row) => ({
    title: rowName(row),
    label: `Share of seeds still finite by step, ${rowName(row)}`,
    make: () => ({
      traces: survivalTraces(row),
      layout:
          {x: {label: "step"}, y: {label: "share finite", range: [-0.05, 1.05], tickformat: ".0%"}}
    }),
  });
  const numbers = () => table(
      [
        "Scenario", "Policy", "Finite", "95 % interval", "Trained", "95 % interval",
        "First non-finite"
      ],
      view.rows.flatMap(
          (row) =>
              policiesIn(row).filter((policy) => row.policies[policy].stability).map((policy) => {
                const s = row.policies[policy].stability;
                return [
                  row.label, policy,
                  ...[s.finite, s.trained].flatMap(
                      (of) =>
                          [`${of.count} of ${s.n}`, `${fixed(of.low, 2)} to ${fixed(of.high, 2)}`]),
                  firstNonfinite(row.policies[policy]) ?? "none"
                ];
              })));
  return {
    id: "survival",
    title: "Survival: steps to the first non-finite value",
    plots: view.rows.map(plot),
    numbers,
    caption: `Kaplan-Meier, over all seeds regardless of the filter (n: ${
        seedText(
            view.rows)}); shaded: 95 % intervals, from Greenwood's variance on the log(\u2212log) scale, where there is more than one seed and a survivor. A line that ends at 100 % says \u201Cnone up to this step\u201D, not \u201Cnever\u201D.`,
  };
}

// --- Loss scale ---

// Powers of two, at most six of them.
function powerTicks(series) {
  const exponents = series.flatMap((each) => each.value)
                        .filter((value) => isNumber(value) && number(value) > 0)
                        .map((value) => Math.log2(number(value)));
  if (exponents.length === 0) return {};
  const low = Math.floor(exponents.reduce((a, b) => Math.min(a, b))),
        high = Math.ceil(exponents.reduce((a, b) => Math.max(a, b)));
  const apart = Math.max(1, Math.ceil((high - low) / 5)), ticks = [];
  for (let exponent = low; exponent <= high; exponent += apart) ticks.push(exponent);
  return {
    tickmode: "array",
    tickvals: ticks.map((exponent) => 2 ** exponent),
    ticktext: ticks.map((exponent) => `2<sup>${exponent}</sup>`),
    range: [(low - 0.5) * Math.log10(2), (high + 0.5) * Math.log10(2)]
  };
}

function scaleFigure() {
  const scaled = (row) => policiesIn(row).filter(
      (policy) => cellsOf(row, policy).some((cell) => cell.series.loss_scale));
  const plot = (row) => ({
    title: rowName(row),
    label: `Loss scale by step, ${rowName(row)}`,
    make: () => ({
      traces: scaled(row).flatMap(
          (policy) =>
              cellsOf(row, policy).filter((cell) => cell.series.loss_scale).flatMap((cell) => {
                const {step, value} = cell.series.loss_scale;
                const name = `${policy}, seed ${cell.seed}`;
                const dead = diedCells([cell]);
                return [
                  {
                    x: step,
                    y: gaps(value),
                    mode: "lines",
                    line: {...line(policy), shape: "hv"},
                    hovertemplate: `%{y} from step %{x}<extra>${safe(name)}</extra>`
                  },
                  skippedTrace(cell, cell.series.loss_scale, name),
                  deathTrace(
                      dead, dead.map(() => lastNumber(cell.series.loss_scale)),
                      colour(colourName(policy)), name),
                ];
              })),
      layout: {
        x: {label: "step"},
        y: {
          label: "loss scale",
          type: "log",
          ...powerTicks(scaled(row)
                            .flatMap((policy) => cellsOf(row, policy))
                            .map((cell) => cell.series.loss_scale)
                            .filter(Boolean))
        }
      },
    }),
  });
  const rows = view.rows.filter((row) => scaled(row).length > 0);
  const numbers = () => table(
      ["Scenario", "Policy", "Seed", "Final scale", "Skipped steps"],
      rows.flatMap(
          (row) => scaled(row).flatMap(
              (policy) => countingCells(row, policy)
                              .map(
                                  (cell) =>
                                      [row.label, policy, String(cell.seed),
                                       significant(cell.result.loss_scale?.final, 8),
                                       String(cell.result.loss_scale?.skipped_steps ?? none)]))));
  return {
    id: "loss-scale",
    title: "Loss scale",
    plots: rows.map(plot),
    numbers: rows.length ? numbers : null,
    caption: rows.length ?
        `Every seed's own trace (n: ${
            seedText(
                rows)}; no interval), on a logarithmic scale; thin crosses: steps that an overflow skipped; \u2715: a first non-finite value.` :
        "No cell in view scales its loss.",
  };
}
