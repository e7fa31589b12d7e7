// The page: asks the API, draws what it says. Whatever comes from a log is set as text, never as HTML.
"use strict";

const RANGES = [["15 min", "15m", "1m"], ["1 h", "1h", "1m"], ["6 h", "6h", "1m"], ["24 h", "24h", "1m"],
  ["7 d", "7d", "10m"], ["30 d", "30d", "1h"], ["all", "", "1h"]];
const LISTS = ["statuses", "clients", "pages", "errors", "referrers", "agents", "systems", "methods"];
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
let range = RANGES.find((entry) => entry[1] === new URLSearchParams(location.search).get("last")) ?? RANGES[3];
let chart = null;
let boundary = null;

function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let at = 0;
  while (value >= 1024 && at < units.length - 1) { value /= 1024; at++; }
  return `${at ? value.toFixed(1) : value} ${units[at]}`;
}

const percent = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)} %` : "–");

async function ask(path, parameters = {}) {
  const query = new URLSearchParams(parameters);
  if (range[1]) query.set("last", range[1]);
  const answer = await fetch(`/api/v1/${path}?${query}`);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error?.message ?? answer.statusText);
  return body;
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function row(cells, head = false) {
  const made = element("tr");
  for (const cell of cells) made.append(cell instanceof Node ? cell : element(head ? "th" : "td", cell));
  return made;
}

// One of the four numbers at the top; an estimate says how far it may be off.
function figure(name, value, note, exact) {
  const made = element("div", undefined, "figure");
  const shown = element("b", value, exact ? "" : "guess");
  shown.title = exact ? "exact" : `estimated ${note}`;
  made.append(element("span", name), shown, element("small", exact ? note || "exact" : `estimated ${note}`));
  return made;
}

function headline(report) {
  const m = report.measures;
  const errors = m.client_errors + m.server_errors;
  const sure = (name) => !report.estimated.includes(name);
  const [low, high] = report.distinct_clients_bounds;
  $("headline").replaceChildren(
    figure("Requests", number.format(report.requests), "", sure("requests")),
    figure("Distinct clients", number.format(report.distinct_clients),
      sure("distinct_clients") ? "" : `${number.format(low)} to ${number.format(high)}`, sure("distinct_clients")),
    figure("Error rate", percent(errors, report.requests),
      `${number.format(m.client_errors)} 4xx, ${number.format(m.server_errors)} 5xx`, sure("requests")),
    figure("Bytes", bytes(report.bytes), "", sure("bytes")),
    figure("People", percent(m.human, report.requests), `bots ${percent(m.bot, report.requests)}`, sure("requests")),
  );
}

function list(id, top) {
  const total = Math.max(...top.rows.map((entry) => entry.requests), 1);
  const rows = top.rows.map((entry) => {
    const count = element("td", number.format(entry.requests), entry.exact ? "" : "guess");
    count.title = entry.exact ? "exact" : `estimated, ${entry.missed ?? 0} more at most`;
    const key = element("td", entry.key);
    key.title = entry.key;
    const made = row([key, count, bytes(entry.bytes)]);
    made.className = "row";
    made.style.backgroundSize = `${(100 * entry.requests) / total}% 100%`;
    return made;
  });
  $(id).querySelector("table").replaceChildren(...(rows.length ? rows : [row(["nothing in this range"])]));
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// What lies behind the boundary is exact; from it on the chart is hatched.
function drawBoundary(u) {
  const { left, top, width, height } = u.bbox;
  const at = boundary === null ? left : u.valToPos(boundary, "x", true);
  const x = Math.min(Math.max(at, left), left + width);
  const g = u.ctx;
  g.save();
  g.beginPath();
  g.rect(x, top, left + width - x, height);
  g.clip();
  g.strokeStyle = css("--card");
  g.lineWidth = 2 * devicePixelRatio;
  for (let from = x - height; from < left + width; from += 7 * devicePixelRatio) {
    g.beginPath(); g.moveTo(from, top + height); g.lineTo(from + height, top); g.stroke();
  }
  g.restore();
  if (x > left && x < left + width) {
    g.save();
    g.strokeStyle = g.fillStyle = css("--ink");
    g.lineWidth = devicePixelRatio;
    g.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    g.beginPath(); g.moveTo(x, top); g.lineTo(x, top + height); g.stroke();
    g.font = `${11 * devicePixelRatio}px system-ui`;
    g.textAlign = "right";
    g.fillText("exact ", x - 4, top + 12 * devicePixelRatio);
    g.textAlign = "left";
    g.fillText(" estimated", x + 4, top + 12 * devicePixelRatio);
    g.restore();
  }
}

function traffic(series) {
  const points = series.points;
  $("empty").hidden = points.length > 0;
  $("chart").hidden = points.length === 0;
  // A chart that is made while it is hidden has no width.
  if (points.length === 0 && !chart) return;
  boundary = series.boundary ? Date.parse(series.boundary) / 1000 : null;
  const at = points.map((point) => Date.parse(point.start) / 1000);
  const per = (value, point) => value / point.minutes;
  const server = points.map((p) => per(p.measures.server_errors, p));
  const client = points.map((p, i) => server[i] + per(p.measures.client_errors, p));
  const all = points.map((p) => per(p.measures.requests, p));
  const data = [at, all, client, server];
  if (chart) return chart.setData(data);
  const area = (label, colour) => ({
    label, stroke: css(colour), fill: css(colour), width: 1, points: { show: false },
    value: (_, value) => (value == null ? "–" : number.format(Math.round(value))),
  });
  const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line") } };
  chart = new uPlot({
    width: $("chart").clientWidth, height: 250,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    scales: { y: { range: (_, low, high) => [0, Math.max(high * 1.08, 1)] } },
    axes: [{ ...axis }, { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => number.format(tick)) }],
    series: [{ value: (_, value) => (value == null ? "–" : new Date(value * 1000).toISOString().slice(0, 16) + "Z"
      + (boundary !== null && value < boundary ? " exact" : " estimated")) },
      area("requests/min", "--ok"), area("4xx and 5xx", "--client"), area("5xx", "--server")],
    hooks: { draw: [drawBoundary] },
  }, data, $("chart"));
}

function heatmap(days) {
  $("heatmap").hidden = days.length === 0;
  if (days.length === 0) return;
  const sums = DAYS.map(() => new Array(24).fill(0));
  for (const day of days) day.hours.forEach((count, hour) => { sums[day.weekday][hour] += count; });
  const most = Math.max(...sums.flat(), 1);
  const head = row(["", ...Array.from({ length: 24 }, (_, hour) => String(hour))], true);
  const rows = sums.map((hours, weekday) => row([element("th", DAYS[weekday]), ...hours.map((count, hour) => {
    const cell = element("td", count ? "" : "·");
    cell.style.background = `color-mix(in srgb, var(--ok) ${Math.round((100 * count) / most)}%, transparent)`;
    cell.title = `${DAYS[weekday]} ${hour}:00 UTC: ${number.format(count)} requests`;
    return cell;
  })]));
  $("heatmap").querySelector("table").replaceChildren(head, ...rows);
}

function days(sessions, newcomers, accuracy) {
  const by = new Map();
  for (const [name, list] of [["s", sessions], ["n", newcomers], ["a", accuracy]]) {
    for (const entry of list) by.set(entry.day, { ...by.get(entry.day), [name]: entry });
  }
  $("days").hidden = by.size === 0;
  const head = row(["day", "sessions", "requests each", "one page only", "clients", "new", "returning",
    "clients off by (estimate)", "top clients found"], true);
  const rows = [...by].sort().reverse().map(([day, { s, n, a }]) => row([day,
    s ? number.format(s.sessions) : "–", s ? s.requests_per_session.toFixed(1) : "–", s ? percent(s.bounce_share, 1) : "–",
    n ? number.format(n.clients) : "–", n ? number.format(n.new) : "–", n ? number.format(n.returning) : "–",
    a ? percent(a.distinct_clients.mean_error, 1) : "–", a?.top_clients ? percent(a.top_clients.recall, 1) : "–"]));
  $("days").querySelector("table").replaceChildren(head, ...rows);
}

async function slow() {
  const [heat, sessions, newcomers, accuracy] =
    await Promise.all(["heatmap", "sessions", "newcomers", "accuracy"].map((kind) => ask(kind)));
  heatmap(heat.days);
  days(sessions.days, newcomers.days, accuracy.days);
}

let busy = false;
let again = false;
async function refresh() {
  again = busy;
  if (busy) return;
  busy = true;
  try {
    const [report, series, ...tops] = await Promise.all([ask("report"), ask("series", { step: range[2] }),
      ...LISTS.map((view) => ask(`top/${view}`, { n: 10 }))]);
    headline(report);
    traffic(series);
    LISTS.forEach((view, at) => list(view, tops[at]));
    $("stand").textContent = report.boundary
      ? `exact before ${report.boundary} (generation ${report.generation})` : "estimates only: no batch run yet";
    $("away").hidden = true;
  } catch (error) {
    $("away").textContent = `The server does not answer (${error.message}). What you see is what it said last; trying again…`;
    $("away").hidden = false;
  } finally {
    busy = false;
    // What was asked for in the meantime, such as another range, is not forgotten.
    if (again) refresh();
  }
}

function everything() {
  refresh();
  slow().catch(() => {});
}

for (const entry of RANGES) {
  const button = element("button", entry[0]);
  button.setAttribute("aria-pressed", String(entry === range));
  button.addEventListener("click", () => {
    range = entry;
    history.replaceState(null, "", entry[1] ? `?last=${entry[1]}` : "?");
    for (const other of $("ranges").children) other.setAttribute("aria-pressed", String(other === button));
    everything();
  });
  $("ranges").append(button);
}
addEventListener("resize", () => chart?.setSize({ width: $("chart").clientWidth, height: 250 }));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { chart?.destroy(); chart = null; refresh(); });

const events = new EventSource("/api/v1/events");
events.addEventListener("minutes", refresh);
events.addEventListener("publication", everything);
events.onerror = () => setTimeout(refresh, 2000);
everything();
