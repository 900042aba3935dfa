// Why a cell died, as `dtbench explain` found it: where, by which mechanism, proved by what.

// The signal that the mechanism makes grow, beside the bound that it ought to keep.
function signalPlot(cell, signal) {
  if (!window.Plotly || !signal.value.some(isNumber)) return null;
  const ends = [signal.step[0], signal.step[signal.step.length - 1]];
  const bound = isNumber(signal.bound) ? [{
    x: ends,
    y: [signal.bound, signal.bound],
    mode: "lines",
    line: {color: colour("--bad"), width: 1.2, dash: "dash"},
    hovertemplate: `bound ${significant(signal.bound)}<extra></extra>`
  }] :
                                         [];
  return el(
      "div", {class: "plot"}, el("h3", {}, signal.title),
      plotPlace(
          `${signal.title}, by step, up to the step in which the cell died`,
          () => ({
            traces: [
              {
                x: signal.step,
                y: gaps(signal.value),
                mode: "lines+markers",
                line: {color: colour("--accent"), width: 1.6},
                marker: {size: 5},
                hovertemplate: "%{y:.4g} at step %{x}<extra></extra>"
              },
              ...bound,
              deathTrace(
                  diedCells([cell]), diedCells([cell]).map(() => lastNumber(signal)),
                  colour("--bad"), "")
            ],
            layout: {x: {label: "step"}, y: {type: "log"}},
          })),
      el("p", {class: "caption"},
         `Logarithmic. Dashed: ${significant(signal.bound)}, which it ought to keep below.`));
}

const trialsTable = (explanation) => table(
    ["Change", "Role", `End, of ${explanation.window} steps`, "Loss", explanation.signal.title],
    explanation.trials.map(
        (trial) =>
            [trial.change, trial.role,
             el("span", {class: `chip ${trial.survived ? "good" : "bad"}`}, trial.end),
             significant(trial.loss), significant(trial.signal, 3)]));

function trialsPart(explanation) {
  if (!explanation.trials.length)
    return el(
        "p", {},
        "No interventions were made: 'dtbench explain' puts the cause to the proof, one change each.");
  return [
    wide("Interventions", trialsTable(explanation)),
    el("p", {class: "caption"},
       "Each trains the cell again from its start with one change. Remedy: it removes the mechanism, so the cell must survive; control: it leaves the mechanism alone, so the cell must die; blunt: survival says nothing. Roles were fixed before."),
    el("p", {}, explanation.proof)
  ];
}

function explanationBlock(cell) {
  const explanation = cell.explanation;
  if (!explanation) return null;
  const since = isNumber(explanation.since_step) ? `, since step ${explanation.since_step}` : "";
  const block =
      el("details", {class: "explanation"},
         el("summary", {}, `Why it died: ${explanation.cause} (${explanation.verdict})${since}`));
  block.addEventListener("toggle", () => {
    if (block.open && block.children.length === 1)
      block.append(el("div", {class: "inside"}, explanationInside(cell)));
  });
  return block;
}

function explanationInside(cell) {
  const explanation = cell.explanation, chain = explanation.chain;
  return [
    el("h3", {}, "Machine or arithmetic?"), el("p", {}, explanation.replay),
    explanation.where ? [el("h3", {}, "Where?"), el("p", {}, explanation.where)] : null,
    chain.length > 1 ?
        el("ol", {class: "chain", "aria-label": "From there to the loss or the weights"},
           chain.map((place) => el("li", {}, place))) :
        null,
    explanation.why ?
        [
          el("h3", {}, "By which mechanism?"), el("p", {}, explanation.why),
          signalPlot(cell, explanation.signal), el("h3", {}, "Proved by what?"),
          trialsPart(explanation)
        ] :
        null
  ];
}
