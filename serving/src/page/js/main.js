// The page: asks, and hands the answers to what draws them.
import { $, element, say } from "./dom.js";
import { Refused, ask, kept } from "./ask.js";
import { filtered, onChange, range, setLast, view } from "./view.js";
import { clock, instant, minute, seconds, span } from "./time.js";
import { count, lasting } from "./numbers.js";
import { BEFORE, setHeadline } from "./headline.js";
import { extend, redraw, running, setTraffic, traffic } from "./traffic.js";
import { length, lists, setOne } from "./lists.js";
import { filters, setFilters } from "./filters.js";
import { picker, setPicker } from "./picker.js";
import { setHeatmap } from "./heatmap.js";
import { setPercentiles } from "./percentiles.js";
import { askAudit, setStatus } from "./pipeline.js";
import { setAccuracy } from "./accuracy.js";
import { setDays } from "./days.js";
import { showSpikes } from "./spikes.js";
import { answered, failed, isAway, listen } from "./live.js";
import { lines } from "./lines.js";
import { tips, toast } from "./tip.js";
import { visible } from "./text.js";
import { setTools, tools } from "./keys.js";

// While lines flow the numbers are asked for again this often (ms); the chart moves every second.
const PACE = 4000;

let specs = [];
// The totals of a day and a week before, and which view they belong to.
let before = { of: null, is: null };
let shown = null;
let pending = null;
let queued = false;
let last = 0;

// The range before which the numbers of `totals` are held, shifted back by so many minutes.
function earlier(totals, minutes) {
  if (!totals.range || view().last === "all") return null;
  // Of a range that goes on, the minute that is still running is left out.
  const open = view().last !== null;
  const to = seconds(totals.range.to) - (open ? 60 : 0);
  const from = open ? to + 60 - span(view().last) * 60 : seconds(view().from);
  const shift = minutes * 60;
  return to - from > shift * 7 ? null : { from: minute(from - shift), to: minute(to - shift) };
}

// The totals of a range that is over. With filters the archive may have to be searched, so the
// last answers are kept: a minute later another range is asked for.
const sums = new Map();

async function sumOf(range, signal) {
  if (!filtered()) return ask("totals", range, signal);
  const key = JSON.stringify([range, view().filters, shown?.status.generation]);
  if (!sums.has(key)) {
    const answer = await ask("slice", { ...range, ...view().filters, step: "1d", n: 1 }, signal);
    if (sums.size >= 2 * BEFORE.length) sums.delete(sums.keys().next().value);
    // What is known of a part of the range only is not compared.
    sums.set(key, answer.not_kept || answer.covered ? null : answer.totals);
  }
  return sums.get(key);
}

async function compared(totals, signal) {
  if (kept) return null;
  const answers = await Promise.all(BEFORE.map(async ([id, , minutes]) => {
    const then = earlier(totals, minutes);
    const answer = then && (await sumOf(then, signal));
    // What is stored of then must cover it, or the change would be one of coverage.
    const whole = answer?.range && answer.range.from <= then.from;
    return [id, whole ? answer : null];
  }));
  return Object.fromEntries(answers);
}

// The totals without the minute that is still running.
function comparable(totals) {
  if (view().last === null || kept) return totals;
  const now = running();
  const measures = Object.fromEntries(Object.entries(totals.measures).map(([name, value]) => [name, Math.max(value - (now[name] ?? 0), 0)]));
  return { ...totals, measures };
}

async function everything(signal) {
  const [totals, series, status] = await Promise.all([
    ask("totals", range(), signal), ask("series", { ...range(), step: "auto", split: true, columns: true }, signal), ask("status", {}, signal)]);
  return { totals, series, status, lists: new Map(await Promise.all(specs.map(async (spec) => [spec.id, await topOf(spec, signal)]))) };
}

const topOf = (spec, signal) => ask(`top/${spec.view}`, { ...range(), n: length(spec), trend: true, by: spec.by === "requests" ? undefined : spec.by }, signal);

// With filters one answer holds it all.
async function slice(signal) {
  const [answer, status] = await Promise.all([ask("slice", { ...range(), ...view().filters, step: "auto", n: 100, trend: true }, signal), ask("status", {}, signal)]);
  const series = { ...answer.series, not_kept: answer.not_kept, covered: answer.covered };
  const why = "Not kept per minute for this filter, and not guessed.";
  return { ...answer, series, why, status, lists: new Map(specs.map((spec) => [spec.id, answer.lists[spec.by === "requests" ? spec.view : `${spec.view}:${spec.by}`] ?? null])) };
}

function draw(answer) {
  const { totals, series, status } = answer;
  shown = answer;
  setPicker(totals.range);
  setStatus(status);
  const empty = !totals.range;
  welcome(empty, status);
  document.body.classList.toggle("empty", empty);
  setTraffic(series);
  setHeadline(totals, comparable(totals), answer.before);
  setPercentiles(totals, answer.why);
  for (const spec of specs) setOne(spec, answer.lists.get(spec.id), totals.measures, answer.lists.get(spec.id) ? undefined : answer.why);
  stand(status);
}

const lookedAt = () => JSON.stringify([range(), view().filters]);

async function refresh() {
  if (pending) { queued = true; return; }
  const control = new AbortController();
  pending = control;
  try {
    const answer = await (filtered() ? slice(control.signal) : everything(control.signal));
    if (pending !== control) return;
    answer.before = before.of === lookedAt() ? before.is : null;
    draw(answer);
    answered();
    await showSpikes();
    answer.before = answer.not_kept || answer.covered ? null : await compared(answer.totals, control.signal);
    if (pending !== control) return;
    before = { of: lookedAt(), is: answer.before };
    setHeadline(answer.totals, comparable(answer.totals), answer.before);
    performance.mark("twofold-shown");
  } catch (error) {
    if (control.signal.aborted) return;
    if (error instanceof Refused) refused(error);
    else failed(error, everythingAnew);
  } finally {
    if (pending === control) {
      pending = null;
      last = Date.now();
      document.body.classList.remove("loading");
      if (queued) { queued = false; refresh(); }
    }
  }
}

// The server understood, and has no answer: a wrong address, or a range too long.
function refused(error) {
  answered();
  $("away").hidden = false;
  say($("away"), `${error.message}${error.hint ? ` (${error.hint})` : ""}`);
}

function welcome(empty, status) {
  const section = $("welcome");
  section.hidden = !empty;
  if (!empty) return;
  const nothing = status.records === 0 && !status.boundary;
  section.replaceChildren(element("h2", {}, nothing ? "Nothing has come in yet" : "Nothing in this range"),
    element("p", {}, nothing ? "As soon as the log has lines, they show here by themselves. To watch a log:" : "There are no requests between these two times."),
    nothing ? element("code", {}, "twofold run --source /var/log/nginx/access.log")
      : element("button", { type: "button", class: "solid", onclick: () => setLast("all") }, "Show all that is stored"));
}

function stand(status) {
  const { boundary, generation, published_at: at, end_of_input: over } = status;
  const zone = view().zone;
  const parts = boundary ? [element("b", { class: "exact" }, `Exact until ${instant(seconds(boundary), zone)}`),
    `generation ${count(generation)}${kept ? "" : `, published ${lasting(Math.max(Date.now() / 1000 - at / 1000, 1))} ago`}`,
    ...(over ? [] : [element("span", { class: "estimate" }, "estimated since")])]
    : [element("span", { class: "estimate" }, "Estimates only"), "no batch run has published yet"];
  const texts = parts.map((part) => (typeof part === "string" ? part : part.textContent)).join(" · ");
  if ($("stand").textContent !== texts) $("stand").replaceChildren(...parts.flatMap((part, at) => (at ? [" · ", part] : [part])));
}

// What only a batch run changes.
async function slow() {
  const [heat, sessions, newcomers, accuracy] = await Promise.all(["heatmap", "sessions", "newcomers", "accuracy"].map((kind) => ask(kind, range())));
  setHeatmap(heat.days);
  setDays(sessions.days, newcomers.days);
  setAccuracy(accuracy.days, accuracy.spikes);
}

function everythingAnew() {
  pending?.abort();
  pending = null;
  refresh();
  slow().catch(() => {});
}

function published(news) {
  const known = shown?.status.boundary;
  if (shown && news.generation === shown.status.generation) return;
  if (shown && !isAway() && known) {
    const minutes = (seconds(news.boundary) - seconds(known)) / 60;
    toast(`Generation ${count(news.generation)} published: exact until ${clock(seconds(news.boundary), view().zone)}${minutes > 0 ? `, ${lasting(minutes * 60)} more` : ""}.`);
    document.body.classList.add("publishing");
    setTimeout(() => document.body.classList.remove("publishing"), 2500);
  }
  everythingAnew();
}

function counted(newest) {
  if (view().last === null) return;
  if (!filtered()) extend(newest);
  clearTimeout(counted.timer);
  counted.timer = setTimeout(refresh, Math.max(last + PACE - Date.now(), 0));
}

function start() {
  tips();
  tools(redraw);
  picker();
  filters();
  lines();
  traffic();
  specs = lists(() => refresh());
  onChange((part) => {
    setPicker(null);
    setFilters();
    setTools();
    document.body.classList.add("loading");
    if ("zone" in part && Object.keys(part).length === 1 && shown) { redraw(); draw(shown); slow().catch(() => {}); document.body.classList.remove("loading"); return; }
    everythingAnew();
  });
  if (kept) {
    say($("subject"), visible(kept.subject));
    document.title = `${visible(kept.subject)}: twofold`;
  }
  $("foot").append(...(kept ? [`Written by twofold on ${instant(seconds(kept.written), "utc")} UTC.`] : ["Times are stored in UTC. ", element("a", { href: "/api/v1/openapi.json" }, "API"), " · ", element("a", { href: "/metrics" }, "metrics")]));
  everythingAnew();
  if (kept) return;
  askAudit();
  listen({ minutes: counted, publication: published, back: everythingAnew });
}

start();
