// What is to be said of a capture and of a stage, apart from the text.

const LEVELS = ["Python", "graph", "tensor IR", "loops", "vector IR", "LLVM IR", "assembly"];

// How the compiler was asked, and what kept it from its end.
function factsOf({ version, problem, flags, seconds, megabytes, title }, machine) {
  const how = [version && `${title} ${version}`, seconds && `${seconds} s`, megabytes && `${megabytes} MB`, machine];
  const lines = Object.entries(flags).map(([name, value]) => element("li", { textContent: `${name}=${value}` }));
  const settings = element("details", {}, element("summary", { textContent: "Settings" }), element("ul", {}, ...lines));
  return [
    ...(problem ? [element("p", { className: "problem", textContent: problem })] : []),
    element("p", { textContent: how.filter(Boolean).join(" · ") }),
    ...(lines.length ? [settings] : []),
  ];
}

// A name that may be broken after each part of it.
function breakable(name) {
  return name.split(/(?<=[_.])/).flatMap((part) => [part, element("wbr")]);
}

// The name of a stage, its note and its counts, each beside that of its parent.
function headOf(stage, parent) {
  const facts = [stage.level, `${stage.ids.length} lines`];
  if (stage.origins.length === 0) facts.push("no source lines");
  const written = (count) => count.toLocaleString("en");
  const counts = Object.entries(stage.counts).map(([name, count]) => {
    const before = parent?.counts[name] ?? count;
    const was = before === count ? [] : [element("small", { textContent: ` was ${written(before)}` })];
    return element("li", {}, element("b", { textContent: written(count) }), ` ${name}`, ...was);
  });
  const title = element("p", { className: "title" }, element("b", { textContent: stage.name }), ` ${facts.join(" · ")}`);
  const note = element("p", { className: "note", textContent: stage.note });
  return [title, ...(stage.note ? [note] : []), element("ul", { className: "counts", "aria-label": "Counts" }, ...counts)];
}

// Where a reader who knows nothing yet sees most: just before code for one machine, source lines still known.
function teaching(stages) {
  const end = stages.findIndex((stage) => ["LLVM IR", "assembly"].includes(stage.level));
  const before = stages.slice(0, end < 0 ? stages.length : end).filter((stage) => stage.origins.length);
  const last = (level) => before.findLast((stage) => stage.level === level);
  return last("vector IR") ?? last("loops") ?? before.at(-1) ?? stages[0];
}

function slug(text) {
  return text.replace(/[^\w.+]+/g, "-").replace(/^-|-$/g, "");
}
