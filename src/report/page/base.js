"use strict";

// The records' data, and how numbers, names and states are shown. Text from records becomes text
// nodes, never markup.
const report = JSON.parse(document.getElementById("data").textContent);
// Policies may have any name, also that of something every object inherits.
for (const row of report.rows)
  for (const byPolicy of [row.policies, row.curves, row.differences, row.recommendation.against])
    if (byPolicy) Object.setPrototypeOf(byPolicy, null);

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on"))
      element.addEventListener(name.slice(2), value);
    else
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
      ...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

// One choice of those that share `name`; `choose` runs when it is taken.
const radio = (name, label, checked, choose) =>
    el("label", {}, el("input", {type: "radio", name, checked, onchange: choose}), " ", label);

// A swatch and a name for each part of a stacked bar, and what the stroke beside it is.
const partLegend = (names, stroke) =>
    el("ul", {class: "legend"},
       names.map(
           (name, place) =>
               el("li", {}, el("span", {class: "swatch", style: `background:var(--part-${place})`}),
                  name)),
       el("li", {}, `\u2503 ${stroke}`));

const fill = (id, ...children) =>
    document.getElementById(id).replaceChildren(...children.flat(Infinity));

// {"pool": 3} and what holds such: the values that cells share.
function unpooled(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  if (Object.keys(value).length === 1 && Number.isInteger(value.pool))
    return report.pool[value.pool];
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unpooled(each)]));
}

// "NaN", "Infinity" and "-Infinity" stand for what JSON has no number for.
const number = (value) => (typeof value === "string" ? Number(value) : value);
const isNumber = (value) => value !== null && value !== undefined && Number.isFinite(number(value));
// Plotly leaves a gap where there is null.
const gaps = (values) => values.map((value) => (isNumber(value) ? number(value) : null));

const none = "\u2013";

function fixed(value, digits, sign = false) {
  if (!isNumber(value)) return typeof value === "string" ? value : none;
  const text = number(value).toFixed(digits);
  if (Number(text) === 0) return text.replace("-", "");
  return (sign && number(value) > 0 ? "+" : "") + text.replace("-", "\u2212");
}

function significant(value, digits = 4) {
  if (!isNumber(value)) return typeof value === "string" ? value : none;
  const size = Math.abs(number(value));
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return number(value).toExponential(digits - 2);
  return String(Number(number(value).toPrecision(digits)));
}

const percent = (value) => (isNumber(value) ? (100 * number(value)).toFixed(1) + " %" : none);

function bytes(value) {
  if (!isNumber(value)) return none;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = number(value), unit = 0;
  for (; size >= 1024 && unit + 1 < units.length; ++unit) size /= 1024;
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

// A setting's value in words.
const settingText = (value) => value === null || value === undefined ? "nothing" :
    isNumber(value)                                                  ? significant(value) :
                                                                       String(value);

const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

// "1.36 [1.30, 1.42]"; without an interval the estimate alone.
function estimate(summary, digits, sign = false) {
  if (!summary || summary.n === 0) return none;
  const value = summary.mean ?? summary.ratio;
  const ends = isNumber(summary.low) ?
      ` [${fixed(summary.low, digits, sign)}, ${fixed(summary.high, digits, sign)}]` :
      "";
  return fixed(value, digits, sign) + ends;
}

const states = {
  trained: ["good", "\u2713", "trained"],
  stalled: ["fair", "\u2248", "stalled"],
  diverged_finite: ["bad", "\u2197", "diverged"],
  nonfinite: ["bad", "\u2715", "non-finite"],
  skipped: ["none", "\u2013", "skipped"],
  unfinished: ["none", "\u2026", "unfinished"],
  unknown: ["none", "?", "unknown"],
  out_of_memory: ["broken", "\u25A0", "out of memory"],
  failed: ["broken", "!", "failed"],
  damaged: ["broken", "!", "damaged"],
  other_schema: ["broken", "!", "other schema"],
  foreign: ["broken", "!", "foreign"],
  duplicate: ["broken", "!", "duplicate"],
  repeat: ["none", "\u00B7", "timed again in another session"],
};
const worst = Object.keys(states);
const stateOf = (name) => states[name] ?? states.unknown;

function stateChip(name) {
  const [kind, sign, word] = stateOf(name);
  return el("span", {class: `chip ${kind}`}, `${sign} ${word}`);
}

const verdictKinds = {
  "supported": "good",
  "supported (uncontrolled)": "fair",
  "refuted": "bad",
  "undecided": "fair",
  "undecided (interim)": "none",
  "confounded": "broken",
  "not_testable": "none",
};

const policyNumber = (policy) => report.policies.indexOf(policy);
const colourName = (policy) => `--policy-${policyNumber(policy) % 10}`;
const symbols = [
  "circle", "square", "diamond", "x", "triangle-up", "star", "pentagon", "cross", "hourglass",
  "bowtie"
];
const dashes = ["solid", "solid", "dash", "dot", "dashdot", "longdash"];
const symbolOf = (policy) => symbols[policyNumber(policy) % symbols.length];
const dashOf = (policy) => dashes[policyNumber(policy) % dashes.length];

const rowName = (row) => `${row.label}: ${row.title}`;

// On a phone its rows stand below each other, each value behind its head.
function table(head, rows) {
  const cellOf = (tag) => (content, place) =>
      el(tag === "td" && place === 0 ? "th" : tag, {
        scope: tag === "th" ? "col" :
            place === 0     ? "row" :
                              null,
        "data-head": tag === "td" && place > 0 ? head[place] : null
      },
         content);
  return el(
      "table", {class: "plain-table stacked"},
      el("thead", {}, el("tr", {}, head.map(cellOf("th")))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map(cellOf("td"))))));
}

// What is wider than the page scrolls in itself, by keys too.
const wide = (label, content) =>
    el("div", {class: "wide", tabindex: 0, role: "region", "aria-label": label}, content);

// One tooltip for everything that has more to tell, on hover and on focus; Escape closes it.
const tip = document.getElementById("tip");
function hideTip() { tip.hidden = true; }
function withTip(element, lines) {
  const show = () => {
    tip.replaceChildren(...lines().map((line) => el("p", {}, line)));
    tip.hidden = false;
    const at = element.getBoundingClientRect();
    const below = at.bottom + tip.offsetHeight + 8 < window.innerHeight;
    tip.style.top = `${below ? at.bottom + 6 : Math.max(4, at.top - tip.offsetHeight - 6)}px`;
    tip.style.left = `${Math.max(4, Math.min(at.left, window.innerWidth - tip.offsetWidth - 8))}px`;
  };
  element.addEventListener("mouseenter", show);
  element.addEventListener("focus", show);
  element.addEventListener("mouseleave", hideTip);
  element.addEventListener("blur", hideTip);
  return element;
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideTip();
});
document.addEventListener("scroll", hideTip, {passive: true});
