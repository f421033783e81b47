// The difference of two texts by a longest common subsequence of their lines.

const CELLS = 16e6; // of the table that finds it; texts that need more are called different throughout

// Rows of [sign, line before, line after]; -1 stands where a text has no such line.
function difference(before, after) {
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && before[start] === after[start]) start += 1;
  let tail = 0;
  while (tail < shorter - start && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;

  const rows = [];
  for (let at = 0; at < start; at += 1) rows.push([" ", at, at]);
  rows.push(...changed(before.slice(start, before.length - tail), after.slice(start, after.length - tail), start));
  for (let at = tail; at > 0; at -= 1) rows.push([" ", before.length - at, after.length - at]);
  return rows;
}

function changed(before, after, offset) {
  const width = after.length + 1;
  const small = (before.length + 1) * width <= CELLS;
  // common[i, j]: the length of the longest common subsequence of before[i:] and after[j:]
  const common = new Uint16Array(small ? (before.length + 1) * width : 0);
  for (let i = before.length - 1; small && i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        before[i] === after[j]
          ? common[(i + 1) * width + j + 1] + 1
          : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const rows = [];
  for (let i = 0, j = 0; i < before.length || j < after.length; ) {
    if (small && i < before.length && j < after.length && before[i] === after[j]) {
      rows.push([" ", offset + i++, offset + j++]);
    } else if (
      j === after.length ||
      (i < before.length && (!small || common[(i + 1) * width + j] >= common[i * width + j + 1]))
    ) {
      rows.push(["−", offset + i++, -1]);
    } else {
      rows.push(["+", -1, offset + j++]);
    }
  }
  return rows;
}

// The same rows with each long run of equal ones as one row ["…", first row, end]; a few stay on either side.
function folded(rows, context) {
  const kept = [];
  for (let at = 0; at < rows.length; ) {
    let end = at;
    while (end < rows.length && rows[end][0] === " ") end += 1;
    const first = at === 0 ? at : at + context;
    const last = end === rows.length ? end : end - context;
    if (last - first > 2) {
      kept.push(...rows.slice(at, first), ["…", first, last], ...rows.slice(last, end));
    } else {
      kept.push(...rows.slice(at, end));
    }
    if (end < rows.length) kept.push(rows[end]);
    at = end + 1;
  }
  return kept;
}
