// Spikes: marked in the chart, and listed with who caused them. A click leads to their minutes, filtered.
import { $, element, say } from "./dom.js";
import { ask } from "./ask.js";
import { bytes, count, duration, percent, rate } from "./numbers.js";
import { clock, instant, minute } from "./time.js";
import { change, range, setRange, view } from "./view.js";
import { visible } from "./text.js";
import { trafficChart } from "./traffic.js";

const NAMES = { requests: "Requests", server_errors: "5xx", not_found: "404s", duration_p95: "Durations (p95)", bytes: "Bytes", clients: "Clients" };
const RANKS = ["notice", "warning", "critical"];

// What a spike of this is filtered by.
const FILTERS = { server_errors: { status: "5xx" }, not_found: { status: "404" } };

// The lists of causes, each with the filter that its keys are for.
const CAUSES = [["clients", "client"], ["networks", null], ["pages", "page"], ["agents", "agent"], ["statuses", "status"]];

// At most so many events are shown at first, and so many spikes are asked for.
const SHOWN = 5;
const ASKED = 500;

let events = [];
let all = false;

export async function showSpikes() {
  const answer = await ask("spikes", { ...range(), limit: ASKED }).catch(() => null);
  events = answer ? together(answer.spikes) : [];
  draw();
}

// What is seen in several series in the same minutes is one event; its first spike is the one that matters most.
function together(spikes) {
  const found = [];
  for (const spike of [...spikes].sort((a, b) => a.start - b.start)) {
    const last = found.at(-1);
    if (last && spike.start < last.end) {
      last.spikes.push(spike);
      last.end = Math.max(last.end, spike.end);
    } else found.push({ start: spike.start, end: spike.end, spikes: [spike] });
  }
  for (const event of found) event.spikes.sort((a, b) => weight(b) - weight(a));
  return found.reverse();
}

const whole = (spike) => spike.scope === "all";
const withdrawn = (spike) => spike.review?.standing === "withdrawn";
const weight = (spike) => (withdrawn(spike) ? 0 : 100) + (whole(spike) ? 10 : 0) + 2 * RANKS.indexOf(spike.severity) + (spike.quantity === "requests" ? 1 : 0);

function draw() {
  const section = $("spikes");
  section.hidden = events.length === 0;
  trafficChart()?.overlay(events.map(mark));
  if (section.hidden) return;
  const shown = all ? events : events.slice(0, SHOWN);
  const more = events.length > SHOWN ? element("button", { type: "button", class: "quiet more", onclick: () => { all = !all; draw(); } },
    all ? "Fewer" : `All ${count(events.length)}`) : null;
  section.replaceChildren(section.firstElementChild, element("ol", { class: "events" }, ...shown.map(listed)), ...(more ? [more] : []));
}

// A stretch in the chart, with a button on top.
function mark(event) {
  const [spike] = event.spikes;
  const flag = element("button", { type: "button", class: "flag", "aria-label": `${heading(spike)}: show its minutes`, "data-tip": heading(spike),
    onmousedown: (pressed) => pressed.stopPropagation(), onclick: () => open(event) });
  const node = element("div", { class: `spike-mark ${spike.severity}${withdrawn(spike) ? " withdrawn" : ""}` }, flag);
  return { node, place: (plot) => {
    const [from, to] = [event.start * 60, event.end * 60].map((at) => Math.min(Math.max(plot.valToPos(at, "x"), 0), plot.over.clientWidth));
    node.hidden = to <= from;
    node.style.left = `${from}px`;
    node.style.width = `${Math.max(to - from, 2)}px`;
  } };
}

function listed(event) {
  const [spike, ...others] = event.spikes;
  const item = element("li", { class: `event ${spike.severity}${withdrawn(spike) ? " withdrawn" : ""}` },
    element("button", { type: "button", class: "to-spike", onclick: () => open(event) },
      element("b", {}, heading(spike)), element("span", { class: "when" }, when(event))));
  if (others.length) item.append(element("p", { class: "also" }, `Also ${others.slice(0, 6).map(briefly).join(", ")}`));
  const causes = caused(event, spike);
  if (causes.length) item.append(element("p", { class: "causes" }, ...causes));
  item.append(element("p", { class: "standing" }, standing(spike)));
  return item;
}

// `Requests 6.1 × what was expected`.
function heading(spike) {
  const { observed, expected } = spike;
  const change = spike.direction === "down" && observed === 0 ? "none" : expected >= 1 ? `${rate(observed / expected)} × what was expected` : "out of nothing";
  return `${name(spike)}: ${change}`;
}

const name = (spike) => (whole(spike) ? NAMES[spike.quantity] : `${NAMES[spike.quantity]} of ${visible(spike.key)}`);
const briefly = (spike) => `${name(spike)} ${number(spike, spike.observed)} (${number(spike, spike.expected)} expected)`;

function number(spike, value) {
  if (spike.quantity === "bytes") return bytes(value);
  return spike.quantity === "duration_p95" ? duration(Math.round(value)) : rate(value);
}

function when(event) {
  const [spike] = event.spikes;
  const minutes = event.end - event.start;
  const until = spike.closed ? ` to ${clock(event.end * 60, view().zone)}` : ", going on";
  return `${instant(event.start * 60, view().zone)}${until}, ${count(minutes)} min: ${number(spike, spike.observed)} a minute, ${number(spike, spike.expected)} expected`;
}

// Who made it: each key leads to what it did in these minutes.
function caused(event, spike) {
  const from = event.spikes.find((one) => one.causes?.clients?.length) ?? spike;
  const parts = CAUSES.flatMap(([list, filter]) => (from.causes?.[list] ?? []).slice(0, 2).map((cause) => keyOf(event, list, filter, cause)));
  const { bots } = from.causes ?? {};
  if (bots) parts.push(element("span", { class: "bots" }, `bots ${percent(bots.during)}, before ${percent(bots.before)}`));
  return parts;
}

function keyOf(event, list, filter, cause) {
  const parts = [element("span", {}, filter ?? "network"), element("b", {}, visible(cause.key)), element("i", {}, percent(Math.min(cause.part, 1), 1, 0))];
  const tip = `${count(cause.observed)} requests in these minutes, ${count(cause.expected)} were to be expected of it`;
  if (!filter) return element("span", { class: "cause", "data-tip": tip }, ...parts);
  return element("button", { type: "button", class: "cause", "data-tip": tip, onclick: () => open(event, { [filter]: cause.key }) }, ...parts);
}

function standing(spike) {
  if (!spike.review) return spike.closed ? "Estimated: the next batch run confirms or withdraws it." : "Going on.";
  if (spike.found === "batch") return "Only the exact minutes show it.";
  return withdrawn(spike) ? `Withdrawn: ${spike.review.reason}.` : "Confirmed by the exact minutes.";
}

// Its minutes and as many around them, with what it is about as the filter.
function open(event, filter) {
  const [spike] = event.spikes;
  const around = Math.max(15, event.end - event.start);
  const [from, to] = [event.start - around, event.end + around].map((at) => minute(at * 60));
  const own = whole(spike) ? FILTERS[spike.quantity] : { [spike.scope]: spike.key };
  const filters = filter ?? own;
  if (filters) change({ from, to, last: null, filters });
  else setRange(from, to);
  say($("chart-said"), heading(spike));
}
