// Reads what payload.py wrote: all stages of a lowering, each distinct line once.

async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64.trim()), (unit) => unit.charCodeAt(0));
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const data = JSON.parse(await new Response(inflated).text());
  data.lines = data.lines.split("\n");
  data.source.ids = consecutive(data.source.rows);
  for (const capture of data.captures) {
    for (const stage of capture.stages) {
      stage.ids = consecutive(stage.rows);
      stage.origins = repeated(stage.origins).map((number) => data.origins[number]);
    }
  }
  return data;
}

// first number, length, first number, length, ... -> each number
function consecutive(runs) {
  const numbers = [];
  for (let at = 0; at < runs.length; at += 2) {
    for (let step = 0; step < runs[at + 1]; step += 1) numbers.push(runs[at] + step);
  }
  return numbers;
}

// number, length, number, length, ... -> each number as often as its run is long
function repeated(runs) {
  const numbers = [];
  for (let at = 0; at < runs.length; at += 2) numbers.push(...Array(runs[at + 1]).fill(runs[at]));
  return numbers;
}

// The pieces of one line: [kind of token, text, whether the reader looks for it].
function piecesOf(data, id, query) {
  const text = data.lines[id];
  const found = matchesIn(text, query);
  const pieces = [];
  let at = 0;
  const add = (kind, end) => {
    while (at < end) {
      const match = found.find(([, last]) => last > at);
      const inside = match !== undefined && match[0] <= at;
      const stop = Math.min(end, match === undefined ? end : inside ? match[1] : match[0]);
      pieces.push([kind, text.slice(at, stop), inside]);
      at = stop;
    }
  };
  for (const [, kind, length] of data.styles[data.lineStyles[id]].matchAll(/([a-z.])(\d+)/g)) {
    add(kind, at + Number(length));
  }
  add(".", text.length);
  return pieces;
}

// Where the query stands in the text, as [first, end], whatever the case.
function matchesIn(text, query) {
  const places = [];
  const [where, what] = [text.toLowerCase(), query.toLowerCase()];
  for (let at = what ? where.indexOf(what) : -1; at >= 0; at = where.indexOf(what, at + what.length)) {
    places.push([at, at + what.length]);
  }
  return places;
}
