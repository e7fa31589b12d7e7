// One top list: key, trend, count, share. A click on a key filters by it; a click on the arrow
// shows the lines behind the row.
import { attribute, element, keyed, say } from "./dom.js";
import { count, percent } from "./numbers.js";
import { rowTip, show } from "./sure.js";
import { setTrend, trend } from "./trend.js";
import { visible } from "./text.js";
import { setFilter, view } from "./view.js";
import { kept } from "./ask.js";
import { openLines } from "./lines.js";

// How many rows are shown at first, and after "more".
export const SHORT = 10;
export const LONG = 100;

// `spec` is `{id, title, view, by, filter, drill}`; `more` is called when another length is wanted.
export function listPanel(spec, more) {
  const body = element("tbody");
  const panel = element("section", { class: "card list", id: `list-${spec.id}`, "aria-labelledby": `list-${spec.id}-title` },
    element("div", { class: "head" }, element("h2", { id: `list-${spec.id}-title` }, spec.title), element("span", { class: "sub" })),
    element("table", {}, element("caption", { class: "unseen" }, `${spec.title}: key, trend, requests, share`),
      element("colgroup", {}, ...["k", "t", "n", "s", "l"].map((name) => element("col", { class: name }))),
      element("thead", { class: "unseen" }, element("tr", {}, ...["", "Trend", "Requests", "Share", "Lines"].map((name) => element("th", { scope: "col" }, name)))), body),
    element("p", { class: "none", hidden: true }),
    kept ? null : element("button", { type: "button", class: "quiet more", onclick: () => more(spec), hidden: true }));
  panel.spec = spec;
  return panel;
}

function makeRow(spec) {
  const filter = kept ? element("span", { class: "key" }) : element("button", { type: "button", class: "key", onclick: (event) => setFilter(spec.filter, event.currentTarget.key) });
  const lines = kept ? null : element("button", { type: "button", class: "to-lines", "data-tip": "The lines behind this number",
    onclick: (event) => openLines({ ...view().filters, ...spec.drill, [spec.filter]: event.currentTarget.key }) }, "↗");
  return element("tr", {}, element("th", { scope: "row" }, filter), element("td", { class: "t" }, trend()),
    element("td", { class: "n" }, element("span")), element("td", { class: "s" }), element("td", { class: "l" }, lines));
}

function setRow(row, item, { spec, whole, most }) {
  const [key, course, number, share, lines] = row.children;
  const value = item[spec.by];
  const shown = visible(item.key);
  say(key.firstChild, shown);
  attribute(key.firstChild, "title", shown.length > 28 ? shown : null);
  key.firstChild.key = item.key;
  attribute(key.firstChild, "aria-label", kept ? null : `${shown}: filter by it`);
  setTrend(course.firstChild, item.trend);
  show(number.firstChild, count(value), item.exact, rowTip(item, value));
  say(share, percent(value, whole));
  if (lines.firstChild) {
    lines.firstChild.key = item.key;
    attribute(lines.firstChild, "aria-label", `Lines of ${shown}`);
  }
  row.style.setProperty("--part", `${((100 * value) / most).toFixed(1)}%`);
}

// Shows an answer; `whole` is what shares are of, `why` says why there is no answer.
export function setList(panel, top, whole, long, why) {
  const { spec } = panel;
  const rows = (top?.rows ?? []).filter((row) => row[spec.by] > 0);
  const most = Math.max(...rows.map((row) => row[spec.by]), 1);
  keyed(panel.querySelector("tbody"), rows, (row) => row.key, () => makeRow(spec), (row, item) => setRow(row, item, { spec, whole, most }));
  const none = panel.querySelector(".none");
  none.hidden = rows.length > 0;
  say(none, why ?? "Nothing in this range.");
  const sub = panel.querySelector(".sub");
  const keys = top?.keys > rows.length && spec.by === "requests" ? `of ${count(top.keys)}` : "";
  say(sub, rows.length ? (top.exact ? `${keys} exact` : `${keys} estimated`).trim() : "");
  sub.classList.toggle("estimate", rows.length > 0 && !top.exact);
  attribute(sub, "data-tip", !rows.length ? null : top.exact ? "The right keys in the right order, with the right counts."
    : `A key that is not in this list has at most ${count(top.bound)}.`);
  const more = panel.querySelector("button.more");
  if (more) {
    more.hidden = rows.length < SHORT;
    say(more, long ? "Fewer" : "More");
  }
}
