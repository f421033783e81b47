// One list that Tab enters and the arrow keys walk through: the stages, the source, the text of a stage.

let identities = 0;

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

class Listbox {
  // `moved` hears the option that the keys reached, `chosen` the one that was clicked or entered,
  // `pointed` the one under the pointer, or null.
  constructor(label, { moved = () => {}, chosen = () => {}, pointed = () => {} }) {
    this.element = element("div", { role: "listbox", tabIndex: 0, "aria-label": label });
    this.options = [];
    this.at = -1;
    const option = (event) => event.target.closest("[role=option]");
    this.element.addEventListener("keydown", (event) => this.#key(event, moved, chosen));
    this.element.addEventListener("click", (event) => {
      if (!option(event)) return;
      this.move(option(event));
      chosen(option(event));
    });
    this.element.addEventListener("pointerover", (event) => pointed(option(event)));
    this.element.addEventListener("pointerleave", () => pointed(null));
    this.element.addEventListener("blur", () => pointed(null));
  }

  fill(children) {
    this.element.replaceChildren(...children);
    this.element.removeAttribute("aria-activedescendant");
    this.options = [...this.element.querySelectorAll("[role=option]")];
    this.options.forEach((option, place) => {
      option.id ||= `lowering-option-${(identities += 1)}`;
      option.place = place;
    });
    this.at = -1;
  }

  get current() {
    return this.options[this.at] ?? null;
  }

  // Makes an option the current one, which the next arrow key starts from.
  move(option) {
    this.current?.classList.remove("current");
    this.at = option.place;
    option.classList.add("current");
    this.element.setAttribute("aria-activedescendant", option.id);
  }

  // Scrolls this list, and nothing around it, until the option is in sight: by the shortest way ("nearest"),
  // or with the option at the "top" or in the "middle".
  show(option, place = "nearest") {
    const [box, line] = [this.element.getBoundingClientRect(), option.getBoundingClientRect()];
    const [above, below] = [line.top - box.top, line.bottom - box.bottom];
    if (above >= 0 && below <= 0 && place !== "top") return;
    const aside = place === "middle" ? (box.height - line.height) / 2 : 0;
    this.element.scrollTop += place === "nearest" && below > 0 ? below : above - aside;
  }

  #key(event, moved, chosen) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.element) return;
    const last = this.options.length - 1;
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, Home: 0, End: last };
    to.PageDown = this.at + 20;
    to.PageUp = this.at - 20;
    if (event.key in to && last >= 0) {
      event.preventDefault();
      this.move(this.options[Math.max(0, Math.min(last, to[event.key]))]);
      this.show(this.current);
      moved(this.current);
    } else if ((event.key === "Enter" || event.key === " ") && this.current) {
      event.preventDefault();
      chosen(this.current);
    }
  }
}
