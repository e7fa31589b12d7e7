// The course of the traffic, stacked by status class; each class can be picked out.
import { $, attribute, element, keyed, say, table } from "./dom.js";
import { bytes, count, percent, rate } from "./numbers.js";
import { clock, instant, minute, seconds } from "./time.js";
import { Chart } from "./chart.js";
import { filtered, setRange, view } from "./view.js";
import { kept } from "./ask.js";

// From the bottom of the stack, where what matters lies flat and can be compared.
const CLASSES = [
  { id: "5xx", colour: "--s5", tip: "Server errors", of: (c) => c.server_errors },
  { id: "404", colour: "--s404", tip: "Not found", of: (c) => c.not_found },
  { id: "4xx", colour: "--s4", tip: "Client errors other than 404", of: (c) => minus(c.client_errors, c.not_found) },
  { id: "3xx", colour: "--s3", tip: "Redirects and not modified", of: (c) => c.status_3xx },
  { id: "2xx", colour: "--s2", tip: "Success, with the rare 1xx", of: (c) => c.requests && c.requests.map((all, i) =>
    all - (c.client_errors?.[i] ?? 0) - (c.server_errors?.[i] ?? 0) - (c.status_3xx?.[i] ?? 0)) },
];

const minus = (all, part) => all && all.map((value, i) => value - (part?.[i] ?? 0));

// At most so many rows in the table behind the chart.
const ROWS = 1500;

let series = null;
// What the series is made of, worked out once for each answer.
let classes = [];
let picked = null;
let chart = null;

export const trafficChart = () => chart;

export function traffic() {
  chart = new Chart($("chart"), {
    describe, zone: () => view().zone, said: $("chart-said"),
    zoom: kept ? null : (from, to) => setRange(minute(from), minute(to)),
  });
  $("traffic-table").addEventListener("toggle", behind);
}

// The classes of which the answer speaks. A series of one status or kind is one class of its own.
function classified() {
  const { columns } = series;
  if (!columns.client_errors) {
    return [{ id: "matching", colour: "--s2", tip: "Requests that the filter admits", values: columns.requests }];
  }
  const known = CLASSES.map((one) => ({ ...one, values: one.of(columns) })).filter((one) => one.values);
  return filtered() ? known.filter((one) => one.values.some((value) => value > 0)) : known;
}

const shown = () => classes.filter((one) => picked === null || one.id === picked || series.columns.client_errors === undefined);

export function setTraffic(answer) {
  series = answer;
  classes = classified();
  draw();
}

export function redraw() {
  if (chart && series) { chart.make(); draw(); }
}

function draw() {
  const { columns, step } = series;
  const per = columns.minutes ?? columns.at.map(() => step);
  chart.set({
    at: columns.at, step: step * 60,
    layers: shown().map(({ id, colour, values }) => ({ label: id, colour, values: values.map((value, i) => value / (per[i] || 1)) })),
    boundary: series.boundary ? seconds(series.boundary) : null,
    settled: columns.exact.length > 0 && columns.exact.every(Boolean),
  });
  legend();
  note();
  if ($("traffic-table").open) behind();
}

function legend() {
  const all = series.columns.requests.reduce((sum, value) => sum + value, 0);
  keyed($("classes"), [...classes].reverse(), (one) => one.id, (one) => element("button", { type: "button", onclick: () => pick(one.id) },
    element("i", { "aria-hidden": "true" }), element("span", {}, one.id), element("b")), (button, one) => {
    const sum = one.values.reduce((total, value) => total + value, 0);
    button.children[0].style.background = `var(${one.colour})`;
    say(button.children[2], count(sum));
    attribute(button, "aria-pressed", picked === one.id);
    attribute(button, "data-tip", `${one.tip}: ${percent(sum, all)} of the requests. Click to pick it out.`);
  });
}

function pick(id) {
  picked = picked === id ? null : id;
  chart.names = null;
  draw();
}

function note() {
  const { step, not_kept: missing, covered } = series;
  const parts = step > 1 ? [`Each step is ${step >= 1440 ? `${step / 1440} d` : step >= 60 ? `${step / 60} h` : `${step} min`}.`] : [];
  if (covered) parts.push(`The archive was searched from ${instant(seconds(covered.from), view().zone)} on; earlier records were not.`);
  if (missing) parts.push(`From ${clock(seconds(missing.from), view().zone)} on this combination is not kept per minute: the next batch run brings it.`);
  say($("chart-note"), parts.join(" "));
}

function describe(at) {
  const { columns, step } = series;
  const exact = columns.exact[at];
  const missed = columns.missed?.[at] ?? 0;
  const end = columns.at[at] + (columns.minutes?.[at] ?? step) * 60;
  const line = (colour, label, value) => {
    const key = element("i");
    key.style.background = colour ? `var(${colour})` : "transparent";
    return element("div", { class: "pair" }, key, element("span", {}, label), element("b", {}, value));
  };
  return [
    element("div", { class: "when" }, `${instant(columns.at[at], view().zone)}${step > 1 ? ` to ${clock(end, view().zone)}` : ""}`),
    line(null, "requests", count(columns.requests[at])),
    ...[...shown()].reverse().filter((one) => one.id !== "matching").map((one) => line(one.colour, one.id, count(one.values[at]))),
    ...(columns.bytes ? [line(null, "bytes", bytes(columns.bytes[at]))] : []),
    element("div", { class: exact ? "surely exact" : "surely estimate" }, exact ? "exact"
      : missed ? `estimated, at most ${count(missed)} more` : "estimated: late requests may still be added"),
  ];
}

function behind() {
  if (!$("traffic-table").open || !series) return;
  const { columns } = series;
  const from = Math.max(columns.at.length - ROWS, 0);
  const known = [...classes].reverse();
  const rows = columns.at.slice(from).map((start, i) => [instant(start, view().zone), count(columns.requests[from + i]),
    ...known.map((one) => count(one.values[from + i])), columns.exact[from + i] ? "exact" : "estimated"]);
  $("traffic-table").querySelector(".scroll").replaceChildren(
    table(["Time", "Requests", ...known.map((one) => one.id), ""], rows.reverse(), "Requests by time and status class"));
}

// The newest points, as the server tells them while it counts. Returns whether they joined the series.
export function extend(newest) {
  if (!series || series.step !== 1 || filtered() || !newest.columns.at.length) return false;
  const [ours, theirs] = [series.columns, newest.columns];
  const start = ours.at.indexOf(theirs.at[0]);
  if (start < 0) return false;
  const before = ours.at.length;
  for (const [name, values] of Object.entries(ours)) {
    if (!theirs[name]) return false;
    values.splice(start, values.length, ...theirs[name]);
    values.splice(0, values.length - before);
  }
  series.boundary = newest.boundary;
  classes = classified();
  draw();
  return true;
}

// The sum of the last point, which is not over yet.
export function running() {
  const { columns } = series;
  const last = columns.at.length - 1;
  return Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[last] ?? 0]));
}
