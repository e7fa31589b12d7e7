// The range: presets, and any two minutes.
import { $, attribute, element } from "./dom.js";
import { fromInput, instant, minute, seconds, toInput } from "./time.js";
import { PRESETS, setLast, setRange, view } from "./view.js";
import { kept } from "./ask.js";

let known = null;

export function picker() {
  if (kept) return;
  const from = element("input", { type: "datetime-local", name: "from", required: true });
  const to = element("input", { type: "datetime-local", name: "to", required: true });
  const wrong = element("p", { class: "wrong", role: "alert", hidden: true });
  const form = element("form", { id: "free", class: "popover", hidden: true, onsubmit: (event) => {
    event.preventDefault();
    const [start, end] = [from, to].map((input) => fromInput(input.value, view().zone));
    wrong.hidden = start < end;
    wrong.textContent = "The end must come after the beginning.";
    if (!(start < end)) return;
    toggle(false);
    setRange(minute(start), minute(end));
  } }, element("label", {}, "From", from), element("label", {}, "To (not included)", to), wrong, element("button", { type: "submit", class: "solid" }, "Show"));
  const free = element("button", { type: "button", "data-last": "free", "aria-expanded": "false", "aria-controls": "free", onclick: () => toggle(form.hidden) }, "Custom");
  const toggle = (open) => {
    form.hidden = !open;
    attribute(free, "aria-expanded", open);
    if (!open) return;
    if (known) [from.value, to.value] = [known.from, known.to].map((at) => toInput(seconds(at), view().zone));
    from.focus();
  };
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") { toggle(false); free.focus(); } });
  addEventListener("pointerdown", (event) => { if (!form.hidden && !$("ranges").contains(event.target)) toggle(false); });
  const presets = PRESETS.map(([last, label]) => element("button", { type: "button", "data-last": last, onclick: () => setLast(last) }, label));
  $("ranges").append(element("div", { class: "segments" }, ...presets, free), form);
  setPicker(null);
}

// Shows what is chosen; `range` is what the server answered for.
export function setPicker(range) {
  known = range ?? known;
  const now = view();
  for (const button of $("ranges").querySelectorAll("[data-last]")) {
    const free = button.dataset.last === "free";
    attribute(button, "aria-pressed", free ? now.last === null || !PRESETS.some(([last]) => last === now.last) : button.dataset.last === now.last);
    if (free) button.textContent = now.last ? "Custom" : `${instant(seconds(now.from), now.zone)} – ${instant(seconds(now.to), now.zone)}`;
  }
}
