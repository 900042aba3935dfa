// Filters, colours, paper; and the first drawing.

function checkboxes(title, all, chosen, name, mark) {
  return el(
      "fieldset", {}, el("legend", {}, title),
      all.map(
          (each) =>
              el("label", {}, el("input", {
                   type: "checkbox",
                   name: title,
                   value: name(each),
                   checked: chosen().includes(each),
                   onchange: readFilters
                 }),
                 mark(each), name(each))));
}

function filters() {
  const seeds = seedsOf();
  const seed =
      el("select", {name: "seed", "aria-label": "Seed", onchange: readFilters},
         el("option", {value: ""}, "all"),
         seeds.map((each) => el("option", {value: each}, String(each))));
  const form = document.getElementById("filters");
  form.replaceChildren(
      checkboxes("Scenario", report.rows, () => view.rows, (row) => row.label, () => null),
      checkboxes(
          "Policy",
          report.policies.filter((policy) => report.rows.some((row) => row.policies[policy])),
          () => view.policies, (policy) => policy,
          (policy) =>
              el("span", {class: "swatch", style: `background:var(${colourName(policy)})`})),
      el("label", {}, "Seed ", seed),
      el("button", {type: "button", onclick: () => filterTo(report.rows, report.policies)},
         "Show all"));
  form.addEventListener("submit", (event) => event.preventDefault());
}

function readFilters() {
  const form = document.getElementById("filters");
  const checked = (name) => [...form.querySelectorAll(`input[name=${name}]`)]
                                .filter((box) => box.checked)
                                .map((box) => box.value);
  const labels = checked("Scenario"), policies = checked("Policy");
  view.rows = report.rows.filter((row) => labels.includes(row.label));
  view.policies = report.policies.filter((policy) => policies.includes(policy));
  view.seed = form.elements.seed.value === "" ? null : Number(form.elements.seed.value);
  showDetails();
}

function filterTo(rows, policies) {
  const form = document.getElementById("filters");
  for (const box of form.querySelectorAll("input[name=Scenario]"))
    box.checked = rows.some((row) => row.label === box.value);
  for (const box of form.querySelectorAll("input[name=Policy]"))
    box.checked = policies.includes(box.value);
  form.elements.seed.value = "";
  readFilters();
}

function showDetails() {
  showFigures();
  showComparisons();
  showCellList();
}

answer();
about();
notices();
matrix();
recommendations();
verdicts();
rates();
leftOut();
filters();
showDetails();
openAddressed();

window.addEventListener("hashchange", openAddressed);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(false));
// On paper everything is drawn, and light.
window.addEventListener("beforeprint", () => {
  document.documentElement.classList.add("printing");
  redraw(true);
});
window.addEventListener("afterprint", () => {
  document.documentElement.classList.remove("printing");
  redraw(false);
});
