// All figures, one below the other, each with its numbers in a table.

const figureMakers = [
  curvesFigure, differenceFigure, survivalFigure, paretoFigure, targetFigure, mfuFigure,
  profileFigure, memoryFigure, lostFigure, healthFigure, scaleFigure
];

function legend() {
  return el(
      "ul", {class: "legend", "aria-label": "Policies"},
      view.policies.map(
          (policy) =>
              el("li", {},
                 el("span", {class: "swatch", style: `background:var(${colourName(policy)})`}),
                 policy)));
}

function figureBlock(figure) {
  const block =
      el("figure", {id: figure.id, "aria-labelledby": `${figure.id}-title`},
         el("h2", {id: `${figure.id}-title`}, figure.title), figure.legend ?? legend(),
         figure.extra ?? null,
         window.Plotly ?
             null :
             el("p", {class: "chip broken"},
                "This build of dtbench has no plot library; the numbers below replace the plots."),
         el("div", {class: "plots"},
            window.Plotly ? figure.plots.map(
                                (plot) =>
                                    el("div", {class: "plot"}, el("h3", {}, plot.title),
                                       plotPlace(plot.label, plot.make),
                                       plot.note ? el("p", {class: "caption"}, plot.note) : null)) :
                            []),
         el("figcaption", {}, figure.caption + syntheticText(view.rows)));
  if (figure.numbers) {
    const numbers =
        el("details", {open: !window.Plotly}, el("summary", {}, `Numbers: ${figure.title}`));
    const put = () => {
      if (numbers.open && numbers.children.length === 1)
        numbers.append(wide(`${figure.title}, numbers`, figure.numbers()));
    };
    numbers.addEventListener("toggle", put);
    put();
    block.append(numbers);
  }
  return block;
}

function showFigures() {
  const container = document.getElementById("figures");
  forget(container);
  container.replaceChildren(...figureMakers.map((make) => figureBlock(make())));
}
