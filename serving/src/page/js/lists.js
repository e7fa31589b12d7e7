// The top lists of the page.
import { $ } from "./dom.js";
import { listPanel, setList, LONG, SHORT } from "./list.js";

const ALL = [
  { id: "pages", title: "Pages", view: "pages", filter: "page" },
  { id: "errors", title: "Error pages (404, 5xx)", view: "errors", filter: "page", drill: { status: "404,5xx" } },
  { id: "clients", title: "Clients", view: "clients", filter: "client" },
  { id: "referrers", title: "Referrers", view: "referrers", filter: "referrer" },
  { id: "browsers", title: "Browsers", view: "agents", by: "human", filter: "agent", drill: { kind: "human" } },
  { id: "bots", title: "Bots", view: "agents", by: "bot", filter: "agent", drill: { kind: "bot" } },
  { id: "systems", small: true, title: "Systems", view: "systems", filter: "system" },
  { id: "statuses", small: true, title: "Status codes", view: "statuses", filter: "status" },
  { id: "methods", small: true, title: "Methods", view: "methods", filter: "method" },
  { id: "hosts", small: true, title: "Hosts", view: "hosts", filter: "host" },
].map((spec) => ({ by: "requests", ...spec }));

const long = new Set();

// `changed(spec)` is called when a list's length has changed.
export function lists(changed) {
  const more = (spec) => {
    if (!long.delete(spec.id)) long.add(spec.id);
    changed(spec);
  };
  for (const spec of ALL) $(spec.small ? "small-lists" : "lists").append(listPanel(spec, more));
  return ALL;
}

export const length = (spec) => (long.has(spec.id) ? LONG : SHORT);

// What a list's shares are of.
const whole = (spec, measures) => (spec.id === "errors" ? measures.not_found + measures.server_errors : measures[spec.by]);

export function setOne(spec, top, measures, why) {
  const panel = $(`list-${spec.id}`);
  // A slice brings longer lists than are shown.
  const cut = top && { ...top, rows: top.rows.slice(0, length(spec)) };
  setList(panel, cut, whole(spec, measures), long.has(spec.id), why);
  panel.hidden = spec.id === "hosts" && !why && !(top?.rows.length > 0);
}
