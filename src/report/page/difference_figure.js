// The training loss minus that of fp32_true with the same seed, beside what rounding alone does.

function differenceSeries(row, policy) {
  const mean = row.differences[policy];
  if (!mean) return [];
  return view.seed === null ? [mean] : mean.seeds.filter((each) => each.seed === view.seed);
}

// As high as the policies that came to their last step and the noise are: one that blows up leaves
// the frame.
function differenceFrame(row) {
  const values =
      policiesIn(row)
          .filter((policy) => completedCells(row, policy).length)
          .flatMap((policy) => differenceSeries(row, policy).flatMap((each) => each.value))
          .concat(row.noise?.high ?? [])
          .filter(isNumber)
          .map((value) => Math.abs(number(value)));
  const largest = values.reduce((a, b) => Math.max(a, b), 0);
  return largest > 0 ? [-1.06 * largest, 1.06 * largest] : null;
}

function differenceTraces(row, frame) {
  const within = (value) => (frame ? Math.min(Math.max(value, frame[0]), frame[1]) : value);
  const traces = [];
  if (row.noise) {
    const edge = {x: row.noise.step, mode: "lines", line: {width: 0}, hoverinfo: "skip"};
    traces.push(
        {...edge, y: gaps(row.noise.low)},
        {...edge, y: gaps(row.noise.high), fill: "tonexty", fillcolor: colour("--muted") + "44"});
  }
  for (const policy of policiesIn(row)) {
    if (policy === "fp32_perturbed" && row.noise) continue;  // it is the band
    const series = differenceSeries(row, policy);
    for (const each of series)
      traces.push({
        x: each.step,
        y: smoothed(each),
        name: policy,
        mode: "lines",
        line: line(policy),
        hovertemplate: `%{y:+.4g} at step %{x}<extra>${safe(policy)}</extra>`
      });
    const dead = diedCells(cellsOf(row, policy));
    const heights = dead.map((cell) => {
      const own = row.differences[policy]?.seeds.find((each) => each.seed === cell.seed);
      return within(lastNumber(drawn(own)) ?? 0);
    });
    if (series.length && dead.length)
      traces.push(deathTrace(dead, heights, colour(colourName(policy)), policy));
  }
  return traces;
}

function differenceFigure() {
  const rows = view.rows.filter(
      (row) => policiesIn(row).some((policy) => differenceSeries(row, policy).length));
  const plot = (row) => ({
    title: rowName(row),
    label: `Training loss minus fp32_true's by step, ${rowName(row)}`,
    make: () => {
      const frame = differenceFrame(row);
      return {
        traces: differenceTraces(row, frame),
        layout:
            {x: {label: "step"}, y: {label: "difference (nats)", ...(frame ? {range: frame} : {})}}
      };
    },
  });
  const noise = rows.some((row) => row.noise);
  return {
    id: "differences",
    title: "Training loss minus fp32_true's",
    plots: rows.map(plot),
    numbers: null,  // those of the loss curves hold its distances
    caption: rows.length ?
        `Of the same seed, so of the same batches; lines: mean over the seeds still finite (n: ${
            seedText(rows)}). ${
            noise ?
                "Band: the largest distance that fp32_perturbed, one unit in the last place of the initial weights, has had up to each step, in both directions. A difference within it cannot be told from the effect of rounding alone." :
                "No fp32_perturbed in view, so there is no band of rounding's own effect."} \u2715: a seed's first non-finite value. Distances in numbers are with the loss curves.` :
        "No policy in view has a pair with fp32_true.",
  };
}
