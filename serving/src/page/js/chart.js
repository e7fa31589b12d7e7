// A stacked course over time, drawn by uPlot: hover, keys, zoom by dragging, marks.
import { element, say } from "./dom.js";
import { short } from "./numbers.js";
import { clock, day } from "./time.js";
import { Boundary } from "./boundary.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The height that a largest value needs, so that ticks are round and the top is not cut.
const room = (most) => Math.max(most * 1.12, 4);

// `describe(at)` gives the lines of what is said of a point; `zoom(from, to)` is told what was dragged
// over. Where it is `null` the chart itself shows it, and Escape or a double click shows all again.
export class Chart {
  constructor(box, { describe, zoom, zone, said }) {
    Object.assign(this, { box, describe, zoom, zone, said, plot: null, data: null, marks: [], at: null });
    this.hint = element("div", { class: "chart-tip", hidden: true });
    this.boundary = new Boundary();
    new ResizeObserver(() => this.resize()).observe(box);
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("blur", () => this.point(null));
    box.addEventListener("dblclick", () => this.all());
  }

  // `at` are the points' starts (seconds), `step` their length, `layers` the stack from the bottom:
  // `{label, colour, values}`; `boundary` is where estimates begin, `null` for nowhere known.
  set({ at, step, layers, boundary, settled }) {
    const names = layers.map((layer) => layer.label + layer.colour).join();
    this.info = { at, step, layers, boundary, settled };
    this.data = stacked(at, step, layers);
    if (!this.plot || this.names !== names) this.make(names);
    else this.plot.setData(this.data);
    this.mark();
    if (this.at !== null) this.point(this.at);
  }

  // Draws anew, with the colours and the zone of now.
  make(names = this.names) {
    this.names = names;
    this.plot?.destroy();
    this.plot = null;
    if (!this.data || !this.box.clientWidth) return;
    this.plot = new uPlot(this.options(), this.data, this.box);
    this.plot.over.append(this.boundary.shade, this.boundary.line, ...this.marks.map((mark) => mark.node));
    this.box.append(this.hint);
    this.mark();
  }

  options() {
    const axis = { stroke: css("--soft"), font: `11px ${css("--font")}`, grid: { stroke: css("--grid"), width: 1 }, ticks: { show: false } };
    const layers = [...this.info.layers].reverse();
    return {
      width: this.box.clientWidth, height: this.box.clientHeight, padding: [18, 0, 0, 0], legend: { show: false },
      tzDate: (seconds) => (this.zone() === "utc" ? uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") : new Date(seconds * 1000)),
      cursor: {
        y: false, points: { show: false }, drag: { x: true, y: false, setScale: false },
        dataIdx: (plot, _, hovered, x) => (hovered > 0 && plot.data[0][hovered] > x ? hovered - 1 : hovered),
        bind: { dblclick: () => null },
      },
      scales: { x: { range: (_, low, high) => [low, high] }, y: { range: (_, low, high) => [0, room(high ?? 0)] } },
      axes: [
        { ...axis, size: 26, gap: 4, grid: { show: false }, space: 70, values: (_, ticks, __, ___, step) => ticks.map((tick) => this.tick(tick, step)) },
        { ...axis, size: 46, gap: 4, space: 34, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? short(tick) : "")) },
      ],
      series: [{}, ...layers.map(({ label, colour }) => ({
        label, fill: css(colour), stroke: css(colour), width: 0, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }),
      }))],
      hooks: {
        setCursor: [(plot) => this.hovered(plot)],
        setSelect: [(plot) => this.dragged(plot)],
        setSize: [() => this.mark()], setScale: [() => this.mark()],
      },
    };
  }

  tick(seconds, step) {
    const time = clock(seconds, this.zone());
    return step >= 86400 || time === "00:00" ? day(seconds, this.zone()) : time;
  }

  resize() {
    if (!this.plot) return this.make();
    const { clientWidth: width, clientHeight: height } = this.box;
    if (width && (this.plot.width !== width || this.plot.height !== height)) this.plot.setSize({ width, height });
  }

  mark() {
    if (!this.plot) return;
    const { at, step, boundary, settled } = this.info;
    if (at.length) this.boundary.place(this.plot, { boundary, settled, from: at[0], to: at.at(-1) + step, zone: this.zone() });
    for (const mark of this.marks) mark.place(this.plot);
  }

  // Puts elements over the chart: each has `node` and `place(plot)`, which positions it.
  overlay(marks) {
    for (const mark of this.marks) mark.node.remove();
    this.marks = marks;
    if (!this.plot) return;
    this.plot.over.append(...marks.map((mark) => mark.node));
    this.mark();
  }

  hovered(plot) {
    const { idx, left } = plot.cursor;
    if (this.keyed && left < 0) return;
    if (left >= 0) this.keyed = false;
    this.tell(left < 0 || idx === null ? null : Math.min(idx, this.info.at.length - 1), left);
  }

  // Reads out the point of that number; `null` for none.
  point(at) {
    this.at = at;
    if (at === null || !this.plot) { this.keyed = false; return this.tell(null); }
    this.keyed = true;
    const middle = this.info.at[at] + this.info.step / 2;
    this.tell(at, this.plot.valToPos(middle, "x"));
  }

  tell(at, left) {
    this.hint.hidden = at === null;
    if (at === null) return;
    this.hint.replaceChildren(...this.describe(at));
    const width = this.box.clientWidth;
    const start = this.plot.over.offsetLeft + left;
    this.hint.style.left = `${start + 14 + this.hint.offsetWidth > width ? start - 14 - this.hint.offsetWidth : start + 14}px`;
    if (this.keyed) say(this.said, this.hint.innerText.replaceAll("\n", ", "));
  }

  dragged(plot) {
    const { left, width } = plot.select;
    if (width < 6) return;
    const [from, to] = [left, left + width].map((x) => plot.posToVal(x, "x"));
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    const { at, step } = this.info;
    const floor = (value) => at[0] + Math.floor((value - at[0]) / step) * step;
    this.show(Math.max(floor(from), at[0]), Math.min(floor(to) + step, at.at(-1) + step));
  }

  show(from, to) {
    if (this.zoom) this.zoom(from, to);
    else this.plot.setScale("x", { min: from, max: to });
  }

  all() {
    if (this.zoom || !this.plot) return;
    const { at, step } = this.info;
    this.plot.setScale("x", { min: at[0], max: at.at(-1) + step });
  }

  key(event) {
    const last = (this.info?.at.length ?? 0) - 1;
    if (last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = event.shiftKey ? 10 : 1;
    const to = { ArrowLeft: (this.at ?? last + 1) - by, ArrowRight: (this.at ?? -1) + by, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      this.point(Math.min(Math.max(to, 0), last));
    } else if (event.key === "Escape") { this.point(null); this.all(); }
    else if (event.key === "Enter" && this.at !== null) {
      const { at, step } = this.info;
      const around = Math.max(Math.round(at.length / 12), 5);
      this.show(at[Math.max(this.at - around, 0)], at[Math.min(this.at + around, last)] + step);
    }
  }
}

// The layers' sums, topmost first as uPlot draws them; a last point closes the last step.
function stacked(at, step, layers) {
  const sum = new Array(at.length).fill(0);
  const sums = layers.map(({ values }) => values.map((value, i) => (sum[i] += value)));
  const closed = (values) => (values.length ? [...values, values.at(-1)] : values);
  const times = at.length ? [...at, at.at(-1) + step] : at;
  return [times, ...sums.map(closed).reverse()];
}
