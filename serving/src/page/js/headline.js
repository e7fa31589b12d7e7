// The four numbers at the top, each with its change against the same time a day and a week before.
import { $, element, keyed, say, attribute } from "./dom.js";
import { bytes, count, percent } from "./numbers.js";
import { kept } from "./ask.js";
import { EXACT, LIVE, between, show } from "./sure.js";

const NOT_KEPT = "Not kept per minute for this filter, and not guessed.";

const errors = (m) => m.client_errors + m.server_errors;
const share = (part, all) => (all && Number.isFinite(part) ? part / all : null);

// Whether more is good, bad or neither decides a change's colour.
const FIGURES = [
  { id: "requests", label: "Requests", of: (t) => t.measures.requests, write: count,
    more: (t) => t.measures.human === undefined ? "" : `${percent(t.measures.human, t.measures.requests, 0)} people, ${percent(t.measures.bot, t.measures.requests, 0)} bots` },
  { id: "clients", label: "Distinct clients", of: (t) => t.distinct_clients?.value ?? null, write: count,
    more: (t) => (t.distinct_human_clients ? `${count(t.distinct_human_clients.value)} of people` : "") },
  { id: "errors", label: "Error rate", bad: true, of: (t) => share(errors(t.measures), t.measures.requests), write: (value) => percent(value, 1, 2),
    more: (t) => `${count(t.measures.client_errors)} 4xx, ${count(t.measures.server_errors)} 5xx` },
  { id: "bytes", label: "Bytes sent", of: (t) => t.measures.bytes, write: bytes,
    more: (t) => (t.measures.requests ? `${bytes(t.measures.bytes / t.measures.requests)} a request` : "") },
];

export const BEFORE = [["day", "a day before", 1440], ["week", "a week before", 10080]];

function make(figure) {
  const changes = BEFORE.map(([id, label]) => element("span", { class: "change", "data-before": id }, element("b"), ` vs. ${label}`));
  return element("div", { class: "card figure", id: `figure-${figure.id}` }, element("h2", {}, figure.label),
    element("p", { class: "value" }, element("span", { class: "number", tabindex: "0" })), element("p", { class: "more" }), kept ? null : element("p", { class: "changes" }, ...changes));
}

function certainty(figure, totals) {
  if (figure.id !== "clients") return [totals.exact, totals.exact ? EXACT : totals.missed ? `Estimated: at most ${count(totals.missed)} more requests.` : LIVE];
  const clients = totals.distinct_clients;
  return [clients?.exact ?? true, clients && !clients.exact ? between(clients.low, clients.high) : EXACT];
}

// `before` maps `day` and `week` to the totals of then, or to `null` where nothing is stored of
// then; `comparable` are the totals that are held against them: whole minutes only.
export function setHeadline(totals, comparable, before) {
  keyed($("headline"), FIGURES, (figure) => figure.id, make, (card, figure) => {
    const value = figure.of(totals) ?? null;
    const [exact, tip] = certainty(figure, totals);
    show(card.querySelector(".number"), value === null ? "–" : figure.write(value), value === null || exact, value === null ? NOT_KEPT : tip);
    say(card.querySelector(".more"), value === null ? "not kept for this filter" : figure.more(totals));
    if (!kept) for (const [id] of BEFORE) setChange(card.querySelector(`[data-before=${id}]`), figure, comparable, before?.[id]);
  });
}

function setChange(node, figure, totals, then) {
  const [now, old] = [figure.of(totals) ?? null, then ? figure.of(then) ?? null : null];
  const known = now !== null && old !== null && old > 0;
  const points = figure.id === "errors";
  const by = known ? (points ? 100 * (now - old) : (100 * (now - old)) / old) : 0;
  const size = Math.abs(by) >= 1000 ? count(Math.abs(by)) : Math.abs(by).toFixed(points ? 2 : 1);
  const sign = Number(size) === 0 ? "±" : by > 0 ? "+" : "−";
  const text = !known ? "–" : `${sign}${size}${points ? " pts" : "%"}`;
  say(node.firstChild, text);
  const worse = Boolean(figure.bad && known && by > 0.05);
  const better = Boolean(figure.bad && known && by < -0.05);
  node.classList.toggle("worse", worse);
  node.classList.toggle("better", better);
  attribute(node, "data-tip", known ? `It was ${figure.write(old)} then${then.exact ? "" : " (estimated)"}.` : then ? "Not known of both times." : "Nothing is stored of all that time.");
}
