// The difference of two texts by their lines: a shortest one, or for long texts one that keeps what is unique.

const CELLS = 4e6; // of the table that finds a shortest difference

// Rows of [sign, line before, line after]; -1 stands where a text has no such line.
function difference(before, after, cells = CELLS) {
  const rows = [];
  // Compares the lines from i to iEnd of one text with those from j to jEnd of the other.
  const compare = (i, iEnd, j, jEnd) => {
    while (i < iEnd && j < jEnd && before[i] === after[j]) rows.push([" ", i++, j++]);
    let tail = 0;
    while (i < iEnd && j < jEnd && before[iEnd - 1] === after[jEnd - 1]) [iEnd, jEnd, tail] = [iEnd - 1, jEnd - 1, tail + 1];
    const one = before.slice(i, iEnd);
    const other = after.slice(j, jEnd);
    const small = (one.length + 1) * (other.length + 1) <= cells;
    const kept = small ? longestCommon(one, other) : uniqueCommon(one, other);
    let [atOne, atOther] = [i, j];
    for (const [inOne, inOther] of [...kept, [one.length, other.length]]) {
      if (small || kept.length === 0) {
        while (atOne < i + inOne) rows.push(["−", atOne++, -1]);
        while (atOther < j + inOther) rows.push(["+", -1, atOther++]);
      } else {
        compare(atOne, i + inOne, atOther, j + inOther);
        [atOne, atOther] = [i + inOne, j + inOther];
      }
      if (inOne < one.length) rows.push([" ", atOne++, atOther++]);
    }
    for (let step = 0; step < tail; step += 1) rows.push([" ", iEnd + step, jEnd + step]);
  };
  compare(0, before.length, 0, after.length);
  return rows;
}

// The places of a longest common subsequence, as pairs.
function longestCommon(one, other) {
  const width = other.length + 1;
  const common = new Uint16Array((one.length + 1) * width); // [i, j]: its length in one[i:] and other[j:]
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      const [down, right] = [common[(i + 1) * width + j], common[i * width + j + 1]];
      common[i * width + j] = one[i] === other[j] ? common[(i + 1) * width + j + 1] + 1 : Math.max(down, right);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < one.length && j < other.length; ) {
    if (one[i] === other[j]) pairs.push([i++, j++]);
    else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}

// The places of as many lines as are in order among those that stand once in each text, as pairs.
function uniqueCommon(one, other) {
  const places = (lines) => {
    const found = new Map();
    lines.forEach((line, at) => found.set(line, found.has(line) ? -1 : at));
    return found;
  };
  const inOther = places(other);
  const chains = []; // chains[n]: the chain of n + 1 pairs that ends first in `other`
  for (const [line, i] of places(one)) {
    const j = inOther.get(line) ?? -1;
    if (i < 0 || j < 0) continue;
    let [low, high] = [0, chains.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (chains[middle].j < j) low = middle + 1;
      else high = middle;
    }
    chains[low] = { i, j, before: chains[low - 1] };
  }
  const pairs = [];
  for (let end = chains.at(-1); end; end = end.before) pairs.push([end.i, end.j]);
  return pairs.reverse();
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
      for (const row of rows.slice(at, end)) kept.push(row);
    }
    if (end < rows.length) kept.push(rows[end]);
    at = end + 1;
  }
  return kept;
}
