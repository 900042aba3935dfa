// What numbers a run's tensors held: layers over steps for a class and a measure that are chosen,
// and how often each exponent beside the datatype's range.

const health = {
  name: "exp_avg_sq",
  measure: "zeros"
};

const healthClasses = {
  weights: "weights",
  weight_gradients: "gradients of weights",
  exp_avg: "first moments",
  exp_avg_sq: "second moments",
  activations: "activations",
  activation_gradients: "gradients of activations"
};
const healthMeasures = {
  zeros: "share of zeros",
  subnormals: "share below the normal range",
  saturated: "share at the end of the range",
  largest: "largest magnitude"
};
// Exponents of the smallest subnormal, the smallest normal and the largest number.
const exponentRanges = {
  fp16: [-24, -14, 15],
  bf16: [-133, -126, 127],
  fp32: [-149, -126, 127],
  fp64: [-1074, -1022, 1023]
};

// The record with the lowest seed, as of a profile.
function healthOf(row, policy) {
  const looked = countingCells(row, policy).filter((cell) => cell.health?.classes[health.name]);
  return looked.sort((a, b) => a.seed - b.seed)[0]?.health ?? null;
}

const layerNames = (data) =>
    data.layers.map((layer) => layer === null ? "outside" : `layer ${layer}`);

function healthMap(row, policy) {
  const data = healthOf(row, policy);
  const wanted = `${healthMeasures[health.measure]}, ${healthClasses[health.name]}`;
  return {
    title: `${rowName(row)}, ${policy}`,
    label: `${wanted} by layer and step, ${rowName(row)}, ${policy}`,
    make: () => {
      const values = data.classes[health.name][health.measure].map(
          (layer) => layer.map((value) => isNumber(value) ? number(value) : null));
      const share = health.measure !== "largest";
      return {
        traces: [{
          type: "heatmap",
          x: data.steps.map(String),
          y: layerNames(data),
          z: share ?
              values :
              values.map((layer) => layer.map((value) => value > 0 ? Math.log10(value) : null)),
          zmin: share ? 0 : undefined,
          zmax: share ? 1 : undefined,
          colorscale: [[0, colour("--page")], [1, colour("--bad")]],
          text: values.map((layer) => layer.map((value) => significant(value))),
          hovertemplate: `%{text} at step %{x}<extra>%{y}</extra>`,
          colorbar: {thickness: 8, outlinewidth: 0, title: {text: share ? "" : "log10"}}
        }],
        layout: {x: {label: "step looked at", type: "category"}, y: {type: "category"}}
      };
    },
  };
}

function exponentPlot(row, policy) {
  const data = healthOf(row, policy);
  const counted = data?.exponents[health.name]?.filter((each) => each) ?? [];
  if (counted.length === 0) return null;
  return {
    title: `${rowName(row)}, ${policy}: exponents`,
    label: `How often each exponent, ${healthClasses[health.name]}, ${rowName(row)}, ${policy}`,
    make: () => {
      const sums = new Map();
      for (const {first, counts} of counted)
        counts.forEach(
            (count, place) => sums.set(first + place, (sums.get(first + place) ?? 0) + count));
      const x = [...sums.keys()].sort((a, b) => a - b);
      const range = exponentRanges[data.classes[health.name].datatype] ?? [];
      return {
        traces: [{
          type: "bar",
          x,
          y: x.map((exponent) => sums.get(exponent)),
          marker: {color: colour(colourName(policy))},
          hovertemplate: "%{y} numbers from 2^%{x}<extra></extra>"
        }],
        layout: {
          x: {label: "exponent (base 2)"},
          y: {label: "numbers"},
          shapes: range.map((at) => ({
                              type: "line",
                              yref: "paper",
                              x0: at,
                              x1: at,
                              y0: 0,
                              y1: 1,
                              line: {color: colour("--muted"), width: 1, dash: "dot"}
                            }))
        }
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
                (value, look) =>
                    [row.label, policy, layerNames(data)[place], data.steps[look],
                     significant(value)]));
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

function healthFigure() {
  const shown = view.rows.flatMap(
      (row) =>
          policiesIn(row).filter((policy) => healthOf(row, policy)).map((policy) => [row, policy]));
  const any = report.cells.some((cell) => cell.health);
  return {
    id: "health",
    title: "What numbers the tensors held",
    plots: shown.flatMap(([row, policy]) => [healthMap(row, policy), exponentPlot(row, policy)])
               .filter((plot) => plot),
    numbers: shown.length ? () => healthNumbers(shown) : null,
    legend: el("div", {}),
    extra: any ? el("div", {}, healthChoice("Tensors", healthClasses, "name"),
                    healthChoice("Measure", healthMeasures, "measure")) :
                 null,
    caption: shown.length ?
        "By layer and step that was looked at, of the record with the lowest seed. Records with --health full have exponents, too, of the last look: numbers of all layers with that exponent; dotted lines are the smallest subnormal, the smallest normal and the largest number of the datatype." :
        "No record in view has looked at these tensors: 'dtbench run --health light' and 'full' do.",
  };
}
