// Sliders for figures that move. A kind of figure adds redraw[kind](svg, values, data), which draws the state
// of the sliders and returns the sentence that reads it.
const redraw = {};

const element = (name, attributes, ...children) => {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...children);
  return made;
};

function slide(slider, moved) {
  const id = `slider-${slider.name}-${Math.random().toString(36).slice(2)}`;
  const input = element("input", { type: "range", id, min: 0, max: slider.values.length - 1, step: 1 });
  const text = element("output", { for: id });
  const step = (by, sign, word) => {
    const button = element("button", { type: "button", "aria-label": `${slider.label}: ${word}` }, sign);
    button.addEventListener("click", () => { input.value = Number(input.value) + by; changed(); });
    return button;
  };
  const changed = () => {
    text.value = slider.texts[input.value];
    input.setAttribute("aria-valuetext", text.value);
    moved();
  };
  input.value = slider.start;
  input.addEventListener("input", changed);
  text.value = slider.texts[slider.start];
  input.setAttribute("aria-valuetext", text.value);
  const row = element("div", { class: "slider" }, element("label", { for: id }, slider.label), text,
    step(-1, "−", "less"), input, step(1, "+", "more"));
  return { row, value: () => slider.values[input.value] };
}

function openFigure(figure) {
  const { sliders, data } = JSON.parse(figure.querySelector("script").textContent);
  const moved = () => {
    const values = Object.fromEntries(sliders.map(({ name }, at) => [name, rows[at].value()]));
    const sentence = redraw[figure.dataset.kind](figure.querySelector("svg"), values, data);
    figure.querySelector(".reading").textContent = sentence;
    figure.querySelector("svg").setAttribute("aria-label", sentence);
  };
  const rows = sliders.map(slider => slide(slider, moved));
  figure.querySelector(".controls").append(...rows.map(({ row }) => row));
  figure.classList.add("open");
}

function openFigures() {
  document.querySelectorAll(".moving-figure:not(.open)").forEach(figure => {
    if (redraw[figure.dataset.kind]) openFigure(figure);
  });
}
