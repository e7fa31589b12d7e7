// Visitors by day: sessions, new and returning clients.
import { $, element, table } from "./dom.js";
import { count, lasting, percent } from "./numbers.js";

export function setDays(sessions, newcomers) {
  const by = new Map();
  for (const [name, list] of [["s", sessions], ["n", newcomers]]) {
    for (const entry of list) by.set(entry.day, { ...by.get(entry.day), [name]: entry });
  }
  const rows = [...by].sort().reverse().map(([day, { s, n }]) => [day,
    ...(n ? [count(n.clients), count(n.new), count(n.returning)] : ["–", "–", "–"]),
    ...(s ? [count(s.sessions), s.requests_per_session.toFixed(1), lasting(s.mean_seconds), percent(s.bounce_share, 1)] : ["–", "–", "–", "–"])]);
  const section = $("days");
  section.replaceChildren(section.firstElementChild, rows.length === 0
    ? element("p", { class: "none" }, "The batch layer has published no day of this range yet.")
    : element("div", { class: "scroll" }, table(["Day", "Clients", "New", "Returning", "Sessions", "Requests each", "Mean length", "One page only"], rows, "Visitors by day")));
}
