// The keyboard, the theme, and the page that explains both.
import { $, attribute, element } from "./dom.js";
import { PRESETS, change, setLast, view } from "./view.js";
import { zoneName } from "./time.js";
import { kept } from "./ask.js";

const THEMES = ["auto", "light", "dark"];
const SUNS = { auto: "◐", light: "☀", dark: "☾" };

const theme = () => document.documentElement.dataset.theme ?? "auto";

function setTheme(to, redraw) {
  if (to === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = to;
  try { localStorage.setItem("twofold-theme", to); } catch { /* a browser that keeps nothing forgets it */ }
  redraw();
}

// `redraw` is called when colours change.
export function tools(redraw) {
  const zone = element("button", { type: "button", id: "zone", class: "quiet", onclick: () => change({ zone: view().zone === "utc" ? "local" : "utc" }) });
  const sun = element("button", { type: "button", id: "theme", class: "quiet", onclick: () => nextTheme() });
  const nextTheme = () => { setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length], redraw); setTools(); };
  const help = element("button", { type: "button", class: "quiet", "aria-label": "Help", "data-tip": "Help (?)", onclick: () => $("help").showModal() }, "?");
  $("tools").append(zone, sun, help);
  explain();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, textarea, select") || document.querySelector("dialog[open]")) return;
    if (event.key === "?") $("help").showModal();
    else if (event.key === "t") nextTheme();
    else if (event.key === "u") zone.click();
    else if (event.key === "x" && !kept) change({ filters: {} });
    else if (!kept && PRESETS[Number(event.key) - 1]) setLast(PRESETS[Number(event.key) - 1][0]);
  });
  setTools();
}

export function setTools() {
  const { zone } = view();
  $("zone").textContent = zone === "utc" ? "UTC" : "Local";
  attribute($("zone"), "aria-label", `Times are in ${zoneName(zone)}: change`);
  attribute($("zone"), "data-tip", `Times are in ${zoneName(zone)} (u)`);
  $("theme").textContent = SUNS[theme()];
  attribute($("theme"), "aria-label", `Theme: ${theme()}. Change`);
  attribute($("theme"), "data-tip", `Theme: ${theme()} (t)`);
}

function explain() {
  const key = (name, what) => element("div", { class: "fact" }, element("dt", {}, element("kbd", {}, name)), element("dd", {}, what));
  $("help").replaceChildren(element("div", { class: "head" }, element("h2", { id: "help-title" }, "How to read this page"),
    element("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: () => $("help").close() }, "×")),
  element("p", {}, element("b", { class: "exact" }, "1,234"), " is exact: the batch layer computed it from the archive."),
  element("p", {}, element("b", { class: "estimate" }, "1,234"), " is an estimate of the speed layer: hover over it or focus it, and it says how far it can be off. The next batch run replaces it."),
  element("p", {}, "In the chart a line marks the boundary: what lies before it is exact, what lies after it is hatched."),
  element("dl", {}, key("1 … 7", "the ranges"), key("u", "UTC or local time"), key("t", "theme"), key("x", "clear all filters"), key("← →", "in the chart: read the values; Shift: ten at a time"),
    key("Enter", "in the chart: zoom in; the browser's Back zooms out")));
}
