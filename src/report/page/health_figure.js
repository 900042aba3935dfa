// What numbers a run's tensors held: layers over steps, for a class and a measure that are chosen,
// and how often each exponent beside the datatype's range.

const health = {
  name: "exp_avg_sq",
  measure: "zeros",
  step: null  // of the exponents; null: the last that has them
};

const healthClasses = {
  weights: "weights",
  weight_gradients: "gradients of weights",
  updates: "updates",
  exp_avg: "first moments",
  exp_avg_sq: "second moments",
  activations: "activations",
  activation_gradients: "gradients of activations"
};
const healthMeasures = {
  zeros: "share of zeros",
  subnormals: "share below the normal range",
  saturated: "share at the end of the range",
  largest: "largest magnitude",
  smallest: "smallest magnitude above 0",
  to_weight: "update over weight"
};
const healthShares = ["zeros", "subnormals", "saturated"];
// Exponents of the smallest subnormal, the smallest normal and the largest number.
const exponentRanges = {
  fp16: [-24, -14, 15],
  bf16: [-133, -126, 127],
  fp32: [-149, -126, 127],
  fp64: [-1074, -1022, 1023]
};

// Of the record with the lowest seed, as of a profile.
function healthOf(row, policy) {
  const sampled = countingCells(row, policy)
                      .filter((cell) => cell.health?.classes[health.name]?.[health.measure]);
  return sampled.sort((a, b) => a.seed - b.seed)[0]?.health ?? null;
}

const layerNames = (data) =>
    data.layers.map((layer) => layer === null ? "outside the layers" : `layer ${layer}`);

function healthMap(row, policy) {
  const wanted = `${healthMeasures[health.measure]}, ${healthClasses[health.name]}`;
  return {
    title: `${rowName(row)}, ${policy}`,
    label: `${wanted} by layer and step, ${rowName(row)}, ${policy}`,
    make: () => {
      const data = healthOf(row, policy);
      const values = data.classes[health.name][health.measure].map(
          (layer) => layer.map((value) => isNumber(value) ? number(value) : null));
      const share = healthShares.includes(health.measure);
      const logarithm = (value) => value > 0 ? Math.log10(value) : null;
      return {
        traces: [{
          type: "heatmap",
          x: data.steps.map(String),
          y: layerNames(data),
          z: share ? values : values.map((layer) => layer.map(logarithm)),
          ...(share ? {zmin: 0, zmax: 1} : {}),
          colorscale: [[0, colour("--raised")], [1, colour("--bad")]],
          text: values.map((layer) => layer.map((value) => significant(value))),
          hovertemplate: "%{text} at step %{x}<extra>%{y}</extra>",
          colorbar: {thickness: 8, outlinewidth: 0, title: {text: share ? "" : "log10"}}
        }],
        layout: {x: {label: "sampled step", type: "category"}, y: {type: "category"}}
      };
    },
  };
}

// The exponents of the step that was chosen, or of the last before it.
function exponentsOf(data) {
  const places = data?.exponents[health.name]
                     ?.map((each, place) => each ? place : null)
                     .filter((place) => place !== null) ??
      [];
  const place = places.findLast((each) => health.step === null || data.steps[each] <= health.step);
  return place === undefined ? null :
                               {step: data.steps[place], ...data.exponents[health.name][place]};
}

function exponentPlot(row, policy) {
  const data = healthOf(row, policy), counted = exponentsOf(data);
  if (counted === null) return null;
  return {
    title: `${rowName(row)}, ${policy}: exponents at step ${counted.step}`,
    label: `How often each exponent, ${healthClasses[health.name]}, ${rowName(row)}, ${policy}`,
    make: () => {
      const range = exponentRanges[data.classes[health.name].datatype] ?? [];
      const mark = (at) => ({
        type: "line",
        yref: "paper",
        x0: at,
        x1: at,
        y0: 0,
        y1: 1,
        line: {color: colour("--muted"), width: 1, dash: "dot"}
      });
      return {
        traces: [{
          type: "bar",
          x: counted.counts.map((_, place) => counted.first + place),
          y: counted.counts,
          marker: {color: colour(colourName(policy))},
          hovertemplate: "%{y} numbers from 2^%{x}<extra></extra>"
        }],
        layout: {x: {label: "exponent (base 2)"}, y: {label: "numbers"}, shapes: range.map(mark)}
      };
    },
  };
}

function healthNumbers(shown) {
  return table(
      ["Scenario", "Policy", "Layer", "Step", healthMeasures[health.measure]],
      shown.flatMap(([row, policy]) => {
        const data = healthOf(row, policy);
        return data.classes[health.name][health.measure].flatMap(
            (layer, place) => layer.map(
                (value, sample) =>
                    [row.label, policy, layerNames(data)[place], data.steps[sample],
                     isNumber(value) ? significant(value) : none]));
      }));
}

function healthChoice(title, names, key) {
  return el(
      "fieldset", {class: "switch"}, el("legend", {}, title),
      Object.entries(names).map(
          ([value, label]) => radio(`health-${key}`, label, health[key] === value, () => {
            health[key] = value;
            showFigures();
          })));
}

function exponentStepChoice(shown) {
  const steps = shown.flatMap(([row, policy]) => {
    const data = healthOf(row, policy);
    return data.steps.filter((_, place) => data.exponents[health.name]?.[place]);
  });
  if (steps.length === 0) return null;
  const change = (event) => {
    health.step = event.target.value === "" ? null : Number(event.target.value);
    showFigures();
  };
  return el(
      "fieldset", {class: "switch"}, el("legend", {}, "Exponents"),
      el("label", {}, "at step ",
         el("select", {name: "health-step", onchange: change},
            el("option", {value: "", selected: health.step === null}, "the last"),
            [...new Set(steps)]
                .sort((a, b) => a - b)
                .map(
                    (step) => el("option", {value: step, selected: health.step === step}, step)))));
}

function healthFigure() {
  const shown = view.rows.flatMap(
      (row) =>
          policiesIn(row).filter((policy) => healthOf(row, policy)).map((policy) => [row, policy]));
  const any = report.cells.some((cell) => cell.health);
  const n = `n: ${seedText(shown.length ? [...new Set(shown.map(([row]) => row))] : view.rows)}`;
  return {
    id: "health",
    title: "Numeric health",
    plots: shown.flatMap(([row, policy]) => [healthMap(row, policy), exponentPlot(row, policy)])
               .filter((plot) => plot),
    numbers: shown.length ? () => healthNumbers(shown) : null,
    legend: el("div", {}),
    extra: any ? el("div", {}, healthChoice("Tensors", healthClasses, "name"),
                    healthChoice("Measure", healthMeasures, "measure"), exponentStepChoice(shown)) :
                 null,
    caption: shown.length ?
        `By layer and sampled step, of the record with the lowest seed (${
            n}). Bars, of records with --health full: numbers of all layers by exponent; dotted lines are the smallest subnormal, the smallest normal and the largest number of the datatype. Update over weight: the largest of a layer's parameters.` :
        any ? `No record in view has this measure of these tensors (${n}).` :
              `No record in view has it (${n}): 'dtbench run --health light' and 'full' record it.`,
  };
}
