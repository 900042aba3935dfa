// The map of learning rates and policies: who survives where.

const rateText = (rate) => (rate < 1e-3 ? rate.toExponential() : String(rate));

// "3e-5 to 3e-4", over the seeds that were run at every rate; open ends where they are censored.
function largestRates(seeds) {
  if (!seeds.length) return none;
  const rates = distinct(seeds.map((seed) => seed.largest_stable_rate)).sort((a, b) => a - b);
  const lower = seeds.filter((seed) => seed.censored === "low").length;
  const higher = seeds.filter((seed) => seed.censored === "high").length;
  if (!rates.length) return "below the lowest";
  const from = lower ? `below the lowest (${count(lower, "seed")})` : rateText(rates[0]);
  const to = rateText(rates[rates.length - 1]);
  return (lower || rates.length > 1 ? `${from} to ${to}` : from) +
      (higher === seeds.length ? " or more" : "");
}

function meanOf(values) {
  const numbers = values.filter(isNumber).map(number);
  return numbers.length ? numbers.reduce((a, b) => a + b) / numbers.length : null;
}

function rateCell({n, finite, trained, val_loss: loss}) {
  if (n === 0) return el("td", {class: "none"}, none);
  const kind = finite < n ? "bad" : trained < n ? "fair" : "good";
  return el(
      "td", {class: kind, title: `${finite} of ${n} finite, ${trained} trained`},
      `${finite < n ? "\u2715 " : ""}${finite} of ${n}`,
      el("small", {}, isNumber(loss) ? ` ${fixed(loss, 3)}` : ""));
}

function rateTable(group) {
  const differing = group.bce_reduction &&
      report.rates.some(
          (other) =>
              other.scenario === group.scenario && other.bce_reduction !== group.bce_reduction);
  const title = `${group.scenario}${differing ? `, bce_reduction ${group.bce_reduction}` : ""}: ${
      count(group.steps, "step")}, batch ${group.batch}, length ${group.length}`;
  const head = ["Policy", ...group.rates.map(rateText), "Largest stable", "Sensitivity"];
  const rows = group.policies.map(
      (policy) =>
          el("tr", {}, el("th", {scope: "row"}, policy.policy), policy.map.map(rateCell),
             el("td", {}, largestRates(policy.by_seed)),
             el("td", {class: "number"},
                fixed(meanOf(policy.by_seed.map((seed) => seed.sensitivity)), 4))));
  return [
    el("h3", {}, title),
    wide(
        `Learning rates, ${title}`,
        el("table", {class: "plain-table rate-map"},
           el("thead", {}, el("tr", {}, head.map((each) => el("th", {scope: "col"}, each)))),
           el("tbody", {}, rows)))
  ];
}

function rates() {
  document.getElementById("rates").hidden = report.rates.length === 0;
  fill("rate-tables", report.rates.map(rateTable));
}
