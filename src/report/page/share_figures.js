// Figures of shares, a line for each policy: MFU, and updates that rounding loses.

// `kinds`: [key, name, symbol] of what `pick(result)` has; `cells(row, policy)`: which count.
function shareTraces(row, kinds, pick, cells) {
  return kinds.map(([key, name, symbol]) => {
    const found =
        policiesIn(row)
            .map((policy) => [policy, spread(measured(cells(row, policy), (r) => pick(r)?.[key]))])
            .filter(([, range]) => range);
    return {
      y: found.map(([policy]) => policy),
      x: found.map(([, range]) => range.mean),
      error_x: {...bars(found.map(([, range]) => range)), color: colour("--muted")},
      name,
      mode: "markers",
      cliponaxis: false,
      marker: {
        symbol,
        size: 10,
        color: found.map(([policy]) => colour(colourName(policy))),
        line: {width: 2, color: found.map(([policy]) => colour(colourName(policy)))}
      },
      hovertemplate: `%{x:.1%} ${name}<extra>%{y}</extra>`,
    };
  });
}

function sharePlot(row, label, kinds, pick, cells) {
  return {
    title: rowName(row),
    label: `${label}, ${rowName(row)}`,
    make: () => {
      const policies = policiesIn(row);
      return {
        traces: shareTraces(row, kinds, pick, cells),
        layout: {
          x: {tickformat: ".0%", rangemode: "tozero"},
          y: {
            type: "category",
            ticks: "outside",  // room for marks at zero
            ticklen: 8,
            tickcolor: "rgba(0,0,0,0)",
            categoryorder: "array",
            categoryarray: [...policies].reverse(),
            range: [-0.6, policies.length - 0.4]
          }
        }
      };
    },
  };
}

function shareNumbers(heads, kinds, pick, cells) {
  return table(
      ["Scenario", "Policy", ...heads],
      view.rows.flatMap(
          (row) => policiesIn(row).map(
              (policy) =>
                  [row.label, policy,
                   ...kinds.map(
                       ([key]) => spreadText(
                           spread(measured(cells(row, policy), (r) => pick(r)?.[key])),
                           percent))])));
}

function mfuFigure() {
  const kinds = [
    ["vs_measured", "of the measured peak", "circle"],
    ["vs_spec", "of the data sheet's peak", "diamond-open"]
  ];
  const pick = (result) => result.mfu;
  const anySheet = report.cells.some((cell) => isNumber(cell.result?.mfu?.vs_spec));
  return {
    id: "mfu",
    title: "MFU",
    plots: view.rows.map(
        (row) => sharePlot(row, "Model FLOPs utilisation by policy", kinds, pick, completedCells)),
    numbers: () => shareNumbers(
        ["Of the measured peak", "Of the data sheet's peak"], kinds, pick, completedCells),
    caption:
        `Needed FLOPs divided by time and by the peak of the matmul operands' datatype. Filled: against the peak measured on this device; open: against the data sheet${
            anySheet ?
                "" :
                " (there is none for this device)"}. Marks: means over the seeds that reached their last step; bars: their range (n: ${
            seedText(view.rows)}). A policy with a faster datatype is compared with a higher peak.`,
  };
}

function lostFigure() {
  const kinds = [
    ["lost_weight_update_share", "of weight updates lost", "circle"],
    ["lost_v_update_share", "of second moments' updates lost", "diamond-open"]
  ];
  const pick = (result) => result.optimizer;
  const counted = (row) => policiesIn(row).some(
      (policy) => measured(countingCells(row, policy), (r) => r.optimizer?.lost_weight_update_share)
                      .length);
  const rows = view.rows.filter(counted);
  return {
    id: "lost-updates",
    title: "Updates that rounding loses",
    plots: rows.map((row) => sharePlot(row, "Updates lost by policy", kinds, pick, countingCells)),
    numbers: rows.length ?
        () => shareNumbers(
            ["Weight updates", "Updates of second moments"], kinds, pick, countingCells) :
        null,
    caption: rows.length ?
        `Of the elements that a step updated, those that its rounding left as they were in storage. Filled: weights; open: AdamW's second moments. Over all steps of a run, also of one that died; marks: means over seeds; bars: their range (n: ${
            seedText(rows)}).` :
        "No record in view counted its updates.",
  };
}
