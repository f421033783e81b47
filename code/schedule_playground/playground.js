// A schedule playground: the still of a page becomes a form once the reader asks for Python.
(() => {
  const folder = new URL(".", document.currentScript.src);
  const waiting = new Map();
  let worker;

  /** What the compiler makes of `question`; the first one starts Python, one for all playgrounds of a page. */
  function ask(question) {
    if (!worker) {
      worker = new Worker(new URL("playground-worker.js", folder), { type: "module" });
      worker.onmessage = ({ data: { number, answer, problem } }) => {
        const { resolve, reject } = waiting.get(number);
        waiting.delete(number);
        answer ? resolve(answer) : reject(new Error(problem));
      };
      worker.onerror = (event) => {
        event.preventDefault();
        for (const { reject } of waiting.values()) reject(new Error("Python does not load from this site."));
        waiting.clear();
        worker = undefined;
      };
    }
    return new Promise((resolve, reject) => {
      const number = ask.count = (ask.count ?? 0) + 1;
      waiting.set(number, { resolve, reject });
      worker.postMessage({ number, question });
    });
  }

  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  const counted = (number, word) => `${number.toLocaleString("en")} ${word}`;
  const total = (misses) => Object.values(misses).reduce((sum, each) => sum + each, 0);

  function select(name, values, chosen, text = (value) => value) {
    const options = values.map((value) => make("option", { value, selected: value === chosen }, text(value)));
    return make("select", { name }, ...options);
  }

  class Playground {
    constructor(element) {
      this.element = element;
      Object.assign(this, JSON.parse(element.dataset.play)); // program, programs, steps, offers, choices, cache
      this.initial = { program: this.program, steps: this.steps };
      this.view = "loops";
      this.chosen = {};
      this.status = make("p", { className: "status", role: "status" });
      this.start = make("button", { type: "button" }, `Run the compiler in this page (${this.megabytes} MB)`);
      this.start.onclick = () => this.open();
      element.prepend(make("div", { className: "start" }, this.start, this.status));
    }

    async open() {
      if (location.protocol === "file:") {
        this.say("A browser runs no Python on a page from the disk: serve the book with make serve.");
        return;
      }
      if (this.opening) return;
      this.opening = true;
      this.say("Loading Python from this site …");
      if (await this.show(this.program, this.steps)) {
        this.app = this.frame();
        this.start.remove();
        this.element.querySelector(".start").after(this.app);
        this.element.classList.add("open");
        this.draw();
        this.say(`Ready: ${this.steps.length} steps are taken or refused, choose the next.`);
        this.form.elements.primitive.focus();
      }
      this.opening = false;
    }

    say(text) {
      this.status.textContent = text;
    }

    /** Ask for what `steps` lead to; whether an answer came. */
    async show(program, steps) {
      try {
        this.answer = await ask({ program, steps });
        Object.assign(this, { program, steps, at: steps.length });
        return true;
      } catch (error) {
        this.say(`This went wrong: ${error.message}`);
        return false;
      }
    }

    /** Go to the steps that `next` makes of those so far, once what was asked before is answered. */
    go(next, program) {
      this.turn = (this.turn ?? Promise.resolve()).then(async () => {
        this.say("Computing …");
        if (await this.show(program ?? this.program, next(this.steps))) {
          this.draw();
          const { step, refusal } = this.answer.attempts.at(-1);
          this.say(step ? `${step} is ${refusal ? "refused" : "taken"}.` : "The program as it is.");
        }
      });
    }

    frame() {
      this.fields = make("div", { className: "fields" });
      this.form = make("form", {}, this.fields, make("button", { type: "submit" }, "Apply"));
      this.form.onsubmit = (event) => {
        event.preventDefault();
        this.apply();
      };
      this.form.onchange = ({ target }) => {
        this.chosen[target.name] = target.value;
        if (target.name === "program") this.go(() => [], target.value);
        else if (target.name === "primitive") this.ask_again("primitive");
      };
      this.history = make("ol", { start: 0 });
      const undo = make("button", { type: "button" }, "Take the last step back");
      undo.onclick = () => this.go((steps) => steps.slice(0, -1));
      const again = make("button", { type: "button" }, "Start over");
      again.onclick = () => this.go(() => this.initial.steps, this.initial.program);
      const note = make("p", { className: "note" }, `Misses: simulated, in a cache of ${this.cache}, empty at the start.`);
      this.message = make("div", { className: "refusal" });
      this.views = make("fieldset", {}, make("legend", {}, "Show"));
      for (const [value, text] of [["loops", "the loops"], ["c", "the C"]]) {
        const radio = make("input", { type: "radio", name: `view-${this.element.id}`, value, checked: value === this.view });
        radio.onchange = () => {
          this.view = value;
          this.draw_view();
        };
        this.views.append(make("label", {}, radio, ` ${text}`));
      }
      this.code = make("pre", { tabIndex: 0 });
      this.code.setAttribute("role", "region");
      const left = make("div", { className: "left" }, this.history, make("p", { className: "buttons" }, undo, again), note);
      const right = make("div", { className: "right" }, this.message, this.views, this.code);
      return make("div", { className: "app" }, this.form, make("div", { className: "columns" }, left, right));
    }

    /** The form anew, for the loops and buffers that there are now; the focus stays where it was. */
    ask_again(focus) {
      const { offers, choices, chosen, answer } = this;
      const primitive = chosen.primitive ?? Object.keys(offers)[0];
      const label = (text, control) => make("label", {}, `${text} `, control);
      const controls = [
        label("program", select("program", Object.keys(this.programs), this.program, (name) => this.programs[name])),
        label("primitive", select("primitive", Object.keys(offers), primitive)),
      ];
      for (const [name, kind] of offers[primitive]) {
        if (kind === "number") {
          controls.push(label(name, make("input", { name, type: "number", min: 1, value: chosen[name] ?? 8, required: true })));
        } else if (kind === "loops") {
          const value = answer.loops.slice(-2).reverse().join(" ");
          const wanted = "loops, the new outermost first";
          controls.push(label(wanted, make("input", { name, value, required: true, autocomplete: "off", spellcheck: false })));
        } else {
          const values = kind === "choice" ? choices[name] : kind === "buffer" ? answer.buffers : answer.loops;
          const kept = values.includes(chosen[name]) ? chosen[name] : values[name === "inner" || name === "second" ? 1 : 0];
          controls.push(label(name, select(name, values, kept)));
        }
      }
      this.fields.replaceChildren(...controls);
      if (focus) this.form.elements[focus].focus();
    }

    apply() {
      const primitive = this.form.elements.primitive.value;
      const given = {};
      for (const [name, kind] of this.offers[primitive]) {
        const { value } = this.form.elements[name];
        given[name] = kind === "number" ? Number(value) : kind === "loops" ? value.split(/[\s,]+/).filter(Boolean) : value;
      }
      this.go((steps) => [...steps, { primitive, arguments: given }]);
    }

    draw() {
      const focus = this.fields.contains(document.activeElement) ? document.activeElement.name : null;
      this.ask_again(focus);
      const most = Math.max(...this.answer.attempts.map(({ misses }) => (misses ? total(misses) : 0)));
      this.history.replaceChildren(...this.answer.attempts.map((attempt, number) => {
        const { step, misses, refusal } = attempt;
        const result = refusal ? "refused" : misses ? counted(total(misses), "misses") : "not simulated";
        const button = make("button", { type: "button" },
          make("code", {}, step ?? "the program as it is"),
          make("span", { className: "result" }, result));
        if (misses && !refusal) {
          const bar = make("span", { className: "bar" });
          bar.style.width = `${(100 * total(misses)) / most}%`;
          button.append(bar);
        }
        button.onclick = () => {
          this.at = number;
          this.draw_view();
        };
        return make("li", { className: refusal ? "refused" : "taken" }, button);
      }));
      this.draw_view();
    }

    draw_view() {
      const { lines, c, refusal, misses, accesses, step } = this.answer.attempts[this.at];
      [...this.history.querySelectorAll("button")].forEach((button, number) => {
        button.setAttribute("aria-pressed", number === this.at);
      });
      const said = refusal
        ? [make("p", {}, `Refused: ${refusal.reason}.`), ...(refusal.hint ? [make("p", {}, `Hint: ${refusal.hint}.`)] : [])]
        : misses
          ? [make("p", {}, `${counted(accesses, "accesses")}, ${counted(total(misses), "misses")}: `
              + `${Object.entries(misses).map(([name, count]) => `${name} ${count.toLocaleString("en")}`).join(", ")}.`)]
          : [];
      this.message.replaceChildren(...said);
      this.message.classList.toggle("no", Boolean(refusal));
      this.code.setAttribute("aria-label", `${this.view === "c" ? "C" : "loops"} after ${step ?? "no step"}`);
      const shown = this.view === "c" ? c.trimEnd().split("\n").map((text) => [" ", text]) : lines;
      this.code.replaceChildren(...shown.map(([mark, text]) => {
        const kind = { "+": "new", ">": "guilty" }[mark] ?? "same";
        return make("span", { className: kind }, this.view === "c" ? `${text}\n` : `${mark} ${text}\n`);
      }));
    }
  }

  document.querySelectorAll(".schedule-playground").forEach((element) => new Playground(element));
})();
