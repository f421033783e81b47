// The order of a product's iterations: the same steps and the same cache as iteration_order.py.
redraw.iteration_order = (svg, { order, step }, { orders, matrices, n, line, lines }) => {
  const { name, loops } = orders[order];
  const index = number => {
    const at = { i: 0, j: 0, k: 0 };
    [...loops].reverse().forEach(([which, distance, count]) => {
      at[which] += distance * (number % count);
      number = Math.floor(number / count);
    });
    return at;
  };
  const touched = number => {
    const at = index(number);
    return Object.entries(matrices).map(([matrix, [rows, columns]]) => [matrix, at[rows], at[columns]]);
  };
  const lineOf = ([matrix, row, column]) => `${matrix} ${row} ${Math.floor(column / line)}`;
  const cache = [];  // the line used last stands last
  let misses = 0, near, missed, until;
  for (let now = 0; now < n ** 3; now++) {
    const gone = touched(now).filter(element => {
      const key = lineOf(element), at = cache.indexOf(key);
      if (at >= 0) cache.splice(at, 1);
      else if (cache.length === lines) cache.shift();
      cache.push(key);
      return at < 0;
    });
    misses += gone.length;
    if (now === step - 1) [near, missed, until] = [new Set(cache), gone, misses];
  }
  const text = ([matrix, row, column]) => `${matrix}[${row}, ${column}]`;
  const elements = touched(step - 1);
  const now = new Set(elements.map(element => element.join(" ")));
  svg.querySelectorAll(".cell").forEach(cell => {
    const [matrix, row, column] = cell.dataset.at.split(" ");
    cell.classList.toggle("near", near.has(lineOf([matrix, row, column])));
    cell.classList.toggle("now", now.has(cell.dataset.at));
  });
  const [a, b, c] = elements.map(text);
  return `${name}, step ${step} of ${n ** 3}: ${c} += ${a} * ${b} misses ` +
    `${missed.map(text).join(" and ") || "nothing"}. ` +
    `${until} of ${3 * step} accesses missed so far; ${misses} will at the end.`;
};
