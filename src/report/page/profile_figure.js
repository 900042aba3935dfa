// Where a step's time goes, by kind of work, a bar for each policy that was profiled.

// In the order of a step; what is not named here is "other".
const workKinds = [
  ["matmuls", ["linear", "conv1d"]], ["attention", ["attention"]],
  ["head and loss", ["lm_head_loss", "cross_entropy", "binary_cross_entropy", "share_of_mean"]],
  ["update", ["update", "clipping", "gradients added up"]], ["other", []]
];

const kindOfPart = (name) =>
    (workKinds.find(([, names]) => names.includes(name)) ?? workKinds.at(-1))[0];

// The profile with the lowest seed: a profile is one step on one machine, no mean over seeds.
function profileOf(row, policy) {
  const profiled = countingCells(row, policy).filter((cell) => cell.profile);
  return profiled.sort((a, b) => a.seed - b.seed)[0]?.profile ?? null;
}

function profilePlot(row) {
  return {
    title: rowName(row),
    label: `A step's time by kind of work and policy, ${rowName(row)}`,
    make: () => {
      const policies = policiesIn(row).filter((policy) => profileOf(row, policy));
      const time = (policy, kind) => profileOf(row, policy)
                                         .parts.filter((part) => kindOfPart(part.name) === kind)
                                         .reduce((sum, part) => sum + number(part.ms), 0);
      return partBars({
        policies,
        names: workKinds.map(([kind]) => kind),
        value: (policy, place) => time(policy, workKinds[place][0]),
        unit: "ms",
        axis: "ms a step",
        stroke: "floor",
        strokeAt: (policy) => number(profileOf(row, policy).floor_ms)
      });
    },
  };
}

function profileNumbers(rows) {
  return table(
      ["Scenario", "Policy", "Part", "Calls", "ms", "Share", "Floor (ms)"],
      rows.flatMap((row) => policiesIn(row).flatMap((policy) => {
        const profile = profileOf(row, policy);
        return [...profile?.parts ?? []]
            .sort((a, b) => b.ms - a.ms)
            .map(
                (part) =>
                    [row.label, policy, part.name, part.calls, significant(part.ms),
                     percent(part.ms / profile.step_ms), significant(part.floor_ms)]);
      })));
}

function profileFigure() {
  const rows = view.rows.filter((row) => policiesIn(row).some((policy) => profileOf(row, policy)));
  const n = `n: ${seedText(rows.length ? rows : view.rows)}`;
  return {
    id: "profile",
    title: "Where a step's time goes",
    plots: rows.map(profilePlot),
    numbers: rows.length ? () => profileNumbers(rows) : null,
    legend: rows.length ? partLegend(workKinds.map(([kind]) => kind), "floor") : null,
    caption: rows.length ?
        `One step each, of the record with the lowest seed that was profiled (${
            n}). The stroke is the floor: the time of its matrix products at the rate measured on the device, or of reading and writing each operand once at its copy rate, whichever is longer, added up over the parts.` :
        `No record in view has a profile (${
            n}): 'dtbench run --profile' and 'dtbench matrix --profile' record one.`,
  };
}
