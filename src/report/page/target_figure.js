// Validation loss against the time, or the dollars, that training took to get there, and the loss
// that fp32_true ends at. As the figures over steps.

let targetByPrice = false;

const withWay = (row, policy) =>
    countingCells(row, policy)
        .filter(
            (cell) => cell.series.validation?.step.some((step) => step > 0 && step < cell.steps));

const averageOf = (values) => (values.length ? spread(values).mean : null);

// Of each evaluated step the means over seeds: of seconds (or dollars), and of the finite losses.
function validationLine(row, policy) {
  const at = new Map();
  for (const cell of withWay(row, policy)) {
    const {step, seconds, loss} = cell.series.validation, r = cell.result;
    const rate =
        targetByPrice ? (r.wall_s > 0 && isNumber(r.price_usd) ? r.price_usd / r.wall_s : null) : 1;
    step.forEach((each, place) => {
      if (rate === null || !isNumber(seconds[place])) return;
      if (!at.has(each)) at.set(each, {x: [], y: []});
      at.get(each).x.push(rate * number(seconds[place]));
      if (isNumber(loss[place])) at.get(each).y.push(number(loss[place]));
    });
  }
  const points = [...at].sort(([a], [b]) => a - b);
  return {
    step: points.map(([step]) => step),
    x: points.map(([, {x}]) => averageOf(x)),
    y: points.map(([, {y}]) => averageOf(y))
  };
}

const targetsOf = (row, policy) => countingCells(row, policy).map((cell) => cell.target);
const targetValues = (row, policy, member) =>
    targetsOf(row, policy).map((target) => target?.[member]).filter(isNumber).map(number);
const meanTarget = (row) => averageOf(targetValues(row, "fp32_true", "target"));

function targetPlot(row) {
  const unit = targetByPrice ? "$" : "s";
  return {
    title: rowName(row),
    label: `Validation loss by ${targetByPrice ? "dollars" : "seconds"} of training, ${
        rowName(row)}: ${policiesIn(row).join(", ")}`,
    make: () => {
      const lines = policiesIn(row)
                        .map((policy) => ({policy, ...validationLine(row, policy)}))
                        .filter((each) => each.x.length > 0);
      const target = meanTarget(row);
      return {
        traces: lines.map(
            ({policy, step, x, y}) => ({
              x,
              y,
              text: step.map((each) => `step ${each}`),
              name: policy,
              mode: "lines+markers",
              line: line(policy),
              marker: {symbol: symbolOf(policy), size: 5, color: colour(colourName(policy))},
              hovertemplate:
                  `%{y:.5g} after %{x:.4g} ${unit}, %{text}<extra>${safe(policy)}</extra>`
            })),
        layout: {
          x: {label: targetByPrice ? "dollars of training" : "seconds of training"},
          y: {label: "validation loss (nats)"},
          shapes: target === null ? [] : [{
            type: "line",
            xref: "paper",
            x0: 0,
            x1: 1,
            y0: target,
            y1: target,
            line: {color: colour("--muted"), width: 1, dash: "dot"}
          }]
        }
      };
    },
  };
}

const reachedText = (t) => {
  const n = t.reached + t.not_reached + t.died;
  const missing =
      Object.entries(t.without_target).map(([why, k]) => `, ${k} without target: ${why}`);
  return `${t.reached} of ${n}${t.died ? `, ${t.died} died` : ""}${missing.join("")}`;
};

function targetNumbers(rows) {
  return table(
      [
        "Scenario", "Policy", "Reached", "Steps", "Seconds", "Dollars", "Steps, over fp32_true's",
        "Time, over fp32_true's", "To within (steps)", "Lowest loss where not reached"
      ],
      rows.flatMap((row) => policiesIn(row).map((policy) => {
        const to = row.policies[policy].to_target;
        const own = (member, show) => spreadText(spread(targetValues(row, policy, member)), show);
        const missed =
            targetsOf(row, policy).filter((t) => t && t.outcome && t.outcome !== "reached");
        const best = missed.map((t) => t.best_loss).filter(isNumber).map(number);
        return [
          row.label, policy, to ? reachedText(to) : none, own("step", (v) => significant(v)),
          own("seconds", (v) => significant(v)), own("usd", (v) => significant(v)),
          to ? estimate(to.steps, 3) : none, to ? estimate(to.seconds, 3) : none,
          to ? significant(to.within_steps) : none, spreadText(spread(best), (v) => fixed(v, 4))
        ];
      })));
}

function targetFigure() {
  const rows =
      view.rows.filter((row) => policiesIn(row).some((policy) => withWay(row, policy).length > 0));
  const onCpu = rows.filter((row) => row.device?.device === "cpu").map((row) => row.label);
  const choice = (label, value) => radio("target-unit", label, targetByPrice === value, () => {
    targetByPrice = value;
    showFigures();
  });
  const n = `(n: ${seedText(rows.length ? rows : view.rows)})`;
  return {
    id: "target",
    title: "Time and dollars to fp32_true's loss",
    plots: rows.map(targetPlot),
    numbers: rows.length ? () => targetNumbers(rows) : null,
    extra: priced && rows.length ?
        el("fieldset", {class: "switch"}, choice("seconds", false), choice("dollars", true)) :
        null,
    caption: rows.length === 0 ?
        `No record in view has validation losses along the way ${n}.` :
        `Left is better. Dotted: the validation loss that fp32_true ends at, which a policy reaches at its first evaluated step at or below it; nothing is interpolated. Lines: means over seeds at each evaluated step ${
            n}; the table has the paired ratios, with 95 % intervals over the seeds that reached it, and counts the others. Seconds and dollars are of training steps alone.` +
            (onCpu.length ?
                 ` A CPU emulates 16-bit products: of ${
                     onCpu.join(
                         ", ")} the steps count, and seconds and dollars say nothing of a GPU.` :
                 "") +
            (priced ? "" : " No record has a price, so there is no figure in dollars."),
  };
}
