// The filters in force, as chips; people or bots at a click.
import { $, attribute, element, keyed, say } from "./dom.js";
import { kept } from "./ask.js";
import { visible } from "./text.js";
import { FILTERS, change, setFilter, view } from "./view.js";

const KINDS = [["human", "People"], ["bot", "Bots"]];

export function filters() {
  if (kept) return;
  const kinds = KINDS.map(([kind, label]) => element("button", { type: "button", "data-kind": kind,
    onclick: () => setFilter("kind", view().filters.kind === kind ? "" : kind) }, label));
  $("filters").append(element("span", { class: "segments" }, ...kinds), element("span", { class: "chips" }),
    element("button", { type: "button", class: "quiet clear", hidden: true, onclick: () => change({ filters: {} }) }, "Clear all"));
  setFilters();
}

export function setFilters() {
  if (kept) return;
  const now = view().filters;
  const set = FILTERS.filter((name) => now[name]);
  for (const button of $("filters").querySelectorAll("[data-kind]")) attribute(button, "aria-pressed", now.kind === button.dataset.kind);
  keyed($("filters").querySelector(".chips"), set.filter((name) => name !== "kind" || !["human", "bot"].includes(now.kind)), (name) => name,
    (name) => element("button", { type: "button", class: "chip", onclick: () => setFilter(name, "") }, element("span"), element("b"), element("i", { "aria-hidden": "true" }, "×")),
    (chip, name) => {
      say(chip.children[0], name);
      say(chip.children[1], visible(now[name]));
      attribute(chip, "aria-label", `${name} ${visible(now[name])}: remove this filter`);
    });
  $("filters").querySelector(".clear").hidden = set.length < 2;
}
