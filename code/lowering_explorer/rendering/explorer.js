// One lowering on the page: a tab for each compiler, its stages by level, the source, and the stage's text.

const CONTEXT = 3; // unchanged lines around a change
const BLOCK = 100; // lines that are laid out together
// Shared with other copies of this script: each output of a notebook brings one.
const explorers = (globalThis.loweringExplorers ??= []);

class Explorer {
  constructor(box) {
    this.box = box;
    const name = box.dataset.name;
    const taken = explorers.filter((other) => other.box.dataset.name === name).length;
    this.name = taken ? `${name}-${taken + 1}` : name;
    this.stageOf = new Map(); // compiler -> the stage that the reader saw last
    this.lit = { lines: new Set(), pinned: null }; // lines of the source, and the row that holds them lit
    this.changes = false;
    this.onlyMatches = false;
    this.query = "";
  }

  // Loads the stages and replaces the still; a second call waits for the first.
  open() {
    this.opening ??= this.#open().catch((problem) => {
      const said = `The stages cannot be shown: ${problem.message}`;
      this.box.append(element("p", { className: "problem", textContent: said }));
    });
    return this.opening;
  }

  async #open() {
    this.data = await unpacked(await this.#payload());
    this.#build();
    this.#select(0);
    this.box.classList.add("open");
    const definition = this.source.options.find((row) => row.textContent.includes(`def ${this.data.function}(`));
    if (definition) this.source.show(definition, "top");
  }

  #payload() {
    const address = this.box.dataset.payload;
    if (!address) return this.box.querySelector("script.payload").textContent;
    return new Promise((resolve, reject) => {
      const key = address.split("/").at(-1);
      const script = element("script", { src: address });
      script.onload = () => resolve(globalThis.lowerings[key]);
      script.onerror = () => reject(new Error(`${key} does not load`));
      document.head.append(script);
    });
  }

  // --- the parts of the page

  #build() {
    const { data } = this;
    this.tabs = data.captures.map((capture, index) =>
      element("button", {
        type: "button", role: "tab", textContent: capture.title, onclick: () => this.#select(index),
        "aria-controls": `${this.name}-panel`, id: `${this.name}-${capture.compiler}`,
      }),
    );
    const tabs = element("div", { role: "tablist", "aria-label": "Compilers" }, ...this.tabs);
    tabs.addEventListener("keydown", (event) => this.#walkTabs(event));

    this.stages = new Listbox("Stages, by level", {
      moved: ({ stage }) => this.#choose(stage),
      chosen: ({ stage }) => { this.#choose(stage); this.#fold(true); },
    });
    this.source = new Listbox("Source of the function", this.#lighting("source"));
    this.text = new Listbox("Text of the stage", this.#lighting("text"));
    this.source.element.classList.add("lines");
    this.text.element.classList.add("lines", "stage-text");
    this.source.fill(this.#sourceRows());

    this.picker = element("button", { type: "button", className: "picker", onclick: () => this.#fold(!this.folded) });
    this.facts = element("div", { className: "facts" });
    this.head = element("div", { className: "stage-head" });
    this.panel = element("div", { className: "panel", role: "tabpanel", id: `${this.name}-panel` },
      element("div", { className: "navigator" }, this.picker, this.stages.element, this.facts),
      element("div", { className: "source" },
        element("p", { className: "label", textContent: data.source.file }), this.source.element),
      element("div", { className: "stage" }, this.head, this.#toolbar(), this.text.element));
    const call = `${data.function}(${data.arguments.join(", ")})`;
    const app = element("div", { className: "app", role: "group", "aria-label": `Lowering of ${call}` },
      element("p", { className: "call", textContent: call }), tabs, this.panel);
    app.addEventListener("keydown", (event) => { if (event.key === "Escape") this.#light([], null); });
    this.box.append(app);
    this.#fold(true);
  }

  #toolbar() {
    const toggle = (label, act) => element("button", { type: "button", textContent: label, onclick: act, "aria-pressed": "false" });
    const step = (sign, label, by) => element("button", { type: "button", textContent: sign, onclick: () => this.#step(by), "aria-label": label });
    this.changesButton = toggle("Changes", () => { this.changes = !this.changes; this.#fill(); this.#step(0); });
    this.onlyButton = toggle("Only matches", () => { this.onlyMatches = !this.onlyMatches; this.#fill(); });
    this.find = element("input", { type: "search", placeholder: "Find", spellcheck: false, "aria-label": "Find in this stage" });
    this.find.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => { this.query = this.find.value; this.#fill(); this.#step(0); }, 120);
    });
    this.find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#step(event.shiftKey ? -1 : 1);
    });
    this.places = element("output", { className: "places" });
    this.copyButton = element("button", { type: "button", textContent: "Copy", onclick: () => this.#copy() });
    this.link = element("a", { textContent: "Link", title: "The address of this stage" });
    return element("div", { className: "tools" }, this.changesButton, this.find, this.onlyButton,
      element("span", { className: "steps" }, step("↑", "Previous place", -1), step("↓", "Next place", 1), this.places),
      element("span", { className: "take" }, this.copyButton, this.link));
  }

  #sourceRows() {
    const { ids, numbers } = this.data.source;
    return ids.map((id, at) => {
      const row = this.#row(id, " ", numbers[at], [numbers[at]]);
      row.classList.toggle("apart", at > 0 && numbers[at] !== numbers[at - 1] + 1);
      return row;
    });
  }

  // A line of text. `origins` are the lines of the source that it came from.
  #row(id, sign, number, origins) {
    const code = element("code");
    let hit = false;
    for (const [kind, text, found] of piecesOf(this.data, id, this.query)) {
      hit ||= found;
      const piece = kind === "." ? text : element("span", { className: `token-${kind}`, textContent: text });
      code.append(found ? element("mark", {}, piece) : piece);
    }
    const row = element("div", { role: "option", "data-number": number }, code);
    if (sign !== " ") row.setAttribute("data-sign", sign);
    if (!this.data.lines[id].trim()) row.setAttribute("aria-label", "empty line");
    return Object.assign(row, { origins, sign, hit });
  }

  // --- which stage is shown

  #select(index) {
    this.capture = this.data.captures[index];
    this.tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === index));
      tab.tabIndex = at === index ? 0 : -1;
    });
    this.panel.setAttribute("aria-labelledby", this.tabs[index].id);
    this.stages.fill(LEVELS.map((name) => this.#level(name)));
    this.facts.replaceChildren(...factsOf(this.capture, this.data.machine));
    const { stages, compiler } = this.capture;
    const start = this.stageOf.get(compiler) ?? stages.findLast((stage) => stage.level === this.level) ?? teaching(stages);
    if (start) this.#showStage(start);
    else this.#showNothing();
  }

  #level(name) {
    const stages = this.capture.stages.filter((stage) => stage.level === name);
    const heading = element("p", { className: "label", textContent: name, "aria-hidden": "true" });
    const options = stages.map((stage) => {
      const option = element("div", { role: "option", "aria-selected": "false" },
        element("span", { className: "name" }, ...breakable(stage.name)),
        element("span", { className: "extent" }));
      return Object.assign(option, { stage });
    });
    const label = stages.length ? name : `${name}: no stage`;
    return element("div", { role: "group", className: stages.length ? "level" : "level empty", "aria-label": label }, heading, ...options);
  }

  #showNothing() {
    this.stage = null;
    this.head.replaceChildren(element("p", { textContent: "This compiler has no stage to show." }));
    this.picker.textContent = "No stage";
    this.text.fill([]);
  }

  // What the reader chooses says at which level to look at the next compiler.
  #choose(stage) {
    this.level = stage.level;
    this.#showStage(stage);
  }

  #showStage(stage) {
    this.stage = stage;
    this.stageOf.set(this.capture.compiler, stage);
    this.parent = this.capture.stages[stage.parent];
    const option = this.stages.options.find((each) => each.stage === stage);
    for (const each of this.stages.options) each.setAttribute("aria-selected", String(each === option));
    this.stages.move(option);
    this.stages.show(option);
    this.picker.replaceChildren(element("span", { className: "label", textContent: stage.level }), stage.name);
    this.link.href = `#${this.address(stage)}`;
    this.text.element.setAttribute("aria-label", `Text of ${stage.name}`);
    this.head.replaceChildren(...headOf(stage, this.parent));
    const alike = this.parent?.language === stage.language;
    this.changesButton.disabled = !alike;
    this.changesButton.title = alike
      ? `Since: ${this.parent.name}`
      : "Nothing in the same language comes before this stage";
    this.#fill();
    this.#step(0);
  }

  #fill() {
    const { stage, parent } = this;
    const compared = this.changes && !this.changesButton.disabled;
    const rows = compared ? difference(parent.ids, stage.ids) : stage.ids.map((id, at) => [" ", -1, at]);
    const line = ([sign, before, at]) =>
      at < 0
        ? this.#row(parent.ids[before], sign, "", parent.origins[before] ?? [])
        : this.#row(stage.ids[at], sign, at + 1, stage.origins[at] ?? []);
    const shown = compared && !this.query ? folded(rows, CONTEXT) : rows;
    let lines = shown.map((row) => (row[0] === "…" ? this.#unfold(row, rows, line) : line(row)));
    if (this.query && this.onlyMatches) lines = lines.filter((row) => row.hit);
    this.changesButton.setAttribute("aria-pressed", String(compared));
    this.onlyButton.setAttribute("aria-pressed", String(this.onlyMatches));
    this.onlyButton.hidden = !this.query;
    this.text.fill(inBlocks(lines));
    this.text.element.scrollTop = 0;
    const known = new Set(stage.origins.flat());
    for (const row of this.source.options) row.classList.toggle("known", known.has(row.origins[0]));
    this.#paint();
  }

  #unfold([, first, end], rows, line) {
    const row = element("div", { role: "option", className: "fold", textContent: `${end - first} unchanged lines` });
    row.unfold = () => {
      const lines = rows.slice(first, end).map(line);
      row.replaceWith(...lines);
      this.text.fill([...this.text.element.childNodes]);
      this.text.move(lines[0]);
      this.#paint();
    };
    return Object.assign(row, { origins: [], sign: " ", hit: false });
  }

  // --- source lines and the lines that came from them

  #lighting(where) {
    const light = (row, pinned) => this.#light(row?.origins ?? [], pinned && row, where);
    return {
      pointed: (row) => { if (!this.lit.pinned) light(row, false); },
      moved: (row) => light(row, false),
      chosen: (row) => {
        if (row.unfold) return row.unfold();
        return light(this.lit.pinned === row ? null : row, true);
      },
    };
  }

  #light(lines, pinned, where = "") {
    this.lit = { lines: new Set(lines), pinned: lines.length ? pinned : null };
    this.#paint();
    const other = { source: this.text, text: this.source }[where];
    const first = other?.options.find((row) => row.classList.contains("lit"));
    if (first && (this.lit.pinned || where === "source")) other.show(first, "middle");
  }

  #paint() {
    const touches = (origins) => origins.some((line) => this.lit.lines.has(line));
    for (const row of [...this.source.options, ...this.text.options]) {
      row.classList.toggle("lit", touches(row.origins));
      row.classList.toggle("pinned", row === this.lit.pinned);
    }
    for (const option of this.stages.options) {
      const count = option.stage.origins.filter(touches).length;
      option.classList.toggle("lit", count > 0);
      option.lastChild.textContent = this.lit.lines.size ? count || "–" : option.stage.ids.length;
      option.lastChild.title = this.lit.lines.size ? `${count} lines from there` : `${option.stage.ids.length} lines`;
    }
    this.#countPlaces();
  }

  // --- places to jump between: matches, else changes, else lit lines

  #placesNow() {
    const rows = this.text.options;
    if (this.query) return ["matches", rows.filter((row) => row.hit)];
    const starts = (row, at) => row.sign !== " " && (at === 0 || rows[at - 1].sign === " ");
    if (this.changesButton.getAttribute("aria-pressed") === "true") return ["changes", rows.filter(starts)];
    const from = [...this.lit.lines].join(", ");
    return [from && `lines from line ${from}`, rows.filter((row) => row.classList.contains("lit"))];
  }

  #countPlaces() {
    const [what, rows] = this.#placesNow();
    const at = rows.indexOf(this.text.current);
    this.places.textContent = what ? (at < 0 ? `${rows.length} ${what}` : `${at + 1} of ${rows.length} ${what}`) : "";
  }

  // To the next place (1), the previous one (-1), or the first (0).
  #step(by) {
    const [, rows] = this.#placesNow();
    if (rows.length === 0) return;
    const { at } = this.text;
    const next = { "1": rows.find((row) => row.place > at), "-1": rows.findLast((row) => row.place < at) }[by];
    const place = next ?? (by < 0 ? rows.at(-1) : rows[0]);
    this.text.move(place);
    this.text.show(place, "middle");
    this.#countPlaces();
  }

  // --- small acts

  #fold(folded) {
    this.folded = folded;
    this.panel.classList.toggle("folded", folded);
    this.picker.setAttribute("aria-expanded", String(!folded));
  }

  #walkTabs(event) {
    const now = this.data.captures.indexOf(this.capture);
    const count = this.tabs.length;
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: count - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#select((to + count) % count);
    this.tabs[(to + count) % count].focus();
  }

  async #copy() {
    const text = this.stage.ids.map((id) => `${this.data.lines[id]}\n`).join("");
    const done = await navigator.clipboard.writeText(text).then(() => "Copied", () => "No access");
    this.copyButton.textContent = done;
    setTimeout(() => { this.copyButton.textContent = "Copy"; }, 1500);
  }

  address(stage) {
    const path = `${slug(this.capture.compiler)}/${slug(stage.name)}`;
    return explorers.length > 1 ? `${slug(this.name)}/${path}` : path;
  }

  // Shows the stage at an address, if this lowering has it.
  goTo(compiler, name) {
    const index = this.data.captures.findIndex((capture) => slug(capture.compiler) === compiler);
    const stage = this.data.captures[index]?.stages.find((each) => slug(each.name) === name);
    if (!stage) return false;
    this.#select(index);
    this.#choose(stage);
    this.box.scrollIntoView();
    return true;
  }
}

// Lines in blocks, so that the browser lays out only the blocks in sight.
function inBlocks(lines) {
  const blocks = [];
  for (let at = 0; at < lines.length; at += BLOCK) {
    blocks.push(element("div", { className: "block", role: "presentation" }, ...lines.slice(at, at + BLOCK)));
  }
  return blocks;
}

async function follow() {
  const path = decodeURIComponent(location.hash.slice(1)).split("/");
  if (path.length < 2 || path.length > 3) return;
  for (const explorer of explorers) {
    if (path.length === 3 && slug(explorer.name) !== path[0]) continue;
    await explorer.open();
    if (explorer.data && explorer.goTo(...path.slice(-2))) return;
  }
}

function mount() {
  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) explorers.find((each) => each.box === entry.target).open();
      }
    },
    { rootMargin: "400px" },
  );
  for (const box of document.querySelectorAll(".lowering-explorer:not([data-mounted])")) {
    box.dataset.mounted = "";
    explorers.push(new Explorer(box));
    near.observe(box);
  }
  addEventListener("hashchange", follow);
  follow();
}

if (document.readyState === "loading") addEventListener("DOMContentLoaded", mount);
else mount();
