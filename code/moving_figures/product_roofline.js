// The roofline of a matrix product: the same arithmetic and the same places as product_roofline.py.
const short = value => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);

function productFacts({ rows, width, bytes, peak, bandwidth }) {
  const flops = 2 * rows * width * width;
  const intensity = flops / (bytes * (2 * rows * width + width * width));
  const ridge = peak / bandwidth;
  const enough = 2 * width * width - ridge * bytes * 2 * width;
  return {
    intensity, ridge, attained: Math.min(peak, intensity * bandwidth),
    needed: enough > 0 ? Math.ceil(ridge * bytes * width * width / enough) : 0,
  };
}

function productSentence(values) {
  const { intensity, ridge, attained, needed } = productFacts(values);
  const limit = intensity < ridge
    ? `memory is the limit, at ${short(100 * attained / values.peak)} % of the peak, ${short(attained)} TFLOP/s`
    : `arithmetic is the limit, and the peak of ${short(values.peak)} TFLOP/s can be reached`;
  const turn = needed ? `From ${needed} rows on it is arithmetic.` : "No number of rows reaches the ridge.";
  const rows = values.rows === 1 ? "1 row" : `${values.rows} rows`;
  return `${rows}: ${short(intensity)} FLOPs per byte, the ridge is at ${short(ridge)}; ${limit}. ${turn}`;
}

redraw.product_roofline = (svg, values, { left, right, bottom, top, x, y }) => {
  const place = (value, [low, high], [from, to]) =>
    from + (to - from) * (Math.log10(value) - low) / (high - low);
  const point = (intensity, attained) =>
    [place(intensity, x, [left, right]), place(attained, y, [bottom, top])].map(at => at.toFixed(1));
  const { intensity, ridge, attained } = productFacts(values);
  const roof = at => Math.min(values.peak, at * values.bandwidth);
  const corners = [10 ** x[0], Math.min(Math.max(ridge, 10 ** x[0]), 10 ** x[1]), 10 ** x[1]];
  svg.querySelector(".roof").setAttribute("points", corners.map(at => point(at, roof(at)).join()).join(" "));
  const put = (dot, facts) => {
    const [across, up] = point(facts.intensity, facts.attained);
    dot.setAttribute("cx", across);
    dot.setAttribute("cy", up);
  };
  svg.querySelectorAll(".track").forEach(dot =>
    put(dot, productFacts({ ...values, rows: Number(dot.dataset.rows) })));
  put(svg.querySelector(".dot"), { intensity, attained });
  const drop = svg.querySelector(".drop");
  drop.setAttribute("x1", point(ridge, 1)[0]);
  drop.setAttribute("x2", point(ridge, 1)[0]);
  drop.setAttribute("y1", point(1, values.peak)[1]);
  const label = svg.querySelector(".ridge");
  label.setAttribute("x", point(ridge, 1)[0]);
  label.textContent = `ridge ${short(ridge)}`;
  return productSentence(values);
};
