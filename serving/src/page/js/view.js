// What is looked at: range, zone and filters. They stand in the address, so that a view can be shared.
import { kept } from "./ask.js";

export const PRESETS = [["15m", "15 min"], ["1h", "1 h"], ["6h", "6 h"], ["24h", "24 h"], ["7d", "7 d"], ["30d", "30 d"], ["all", "All"]];
export const FILTERS = ["kind", "status", "client", "page", "host", "method", "referrer", "agent", "system"];

const listeners = [];
let now = read(new URLSearchParams(location.search));

function read(query) {
  const filters = Object.fromEntries(FILTERS.filter((name) => query.get(name)).map((name) => [name, query.get(name)]));
  const zone = query.get("zone") === "local" ? "local" : "utc";
  const [from, to, last] = ["from", "to", "last"].map((name) => query.get(name));
  if (from && to && Date.parse(from) < Date.parse(to)) return { from, to, last: null, zone, filters };
  const known = last === "all" || /^[1-9][0-9]{0,4}[mhd]$/.test(last ?? "");
  return { from: null, to: null, last: known ? last : "24h", zone, filters };
}

function written(view) {
  const query = new URLSearchParams();
  if (view.last) { if (view.last !== "24h") query.set("last", view.last); }
  else { query.set("from", view.from); query.set("to", view.to); }
  if (view.zone !== "utc") query.set("zone", view.zone);
  for (const name of FILTERS) if (view.filters[name]) query.set(name, view.filters[name]);
  const text = query.toString().replaceAll("%3A", ":").replaceAll("%2F", "/");
  return text ? `?${text}` : location.pathname;
}

export const view = () => now;

// Changes the view; the browser's Back takes the change back.
export function change(part) {
  now = { ...now, ...part };
  if (!kept) history.pushState(null, "", written(now));
  listeners.forEach((listener) => listener(part));
}

export const setRange = (from, to) => change({ from, to, last: null });
export const setLast = (last) => change({ from: null, to: null, last });

export function setFilter(name, value) {
  const filters = { ...now.filters, [name]: value };
  if (!value) delete filters[name];
  change({ filters });
}

export function onChange(listener) {
  listeners.push(listener);
}

export const filtered = () => Object.keys(now.filters).length > 0;

// The parameters that name the range to the API.
export function range() {
  if (now.last === "all") return {};
  return now.last ? { last: now.last } : { from: now.from, to: now.to };
}

addEventListener("popstate", () => {
  now = read(new URLSearchParams(location.search));
  listeners.forEach((listener) => listener(now));
});
