// A list row's course as a small line; where nothing is known of a stretch, the line has a gap.
import { attribute, drawn } from "./dom.js";

const WIDTH = 64;
const HEIGHT = 18;

export function trend() {
  const line = drawn("path", { class: "trend-line", fill: "none" });
  const area = drawn("path", { class: "trend-area" });
  return drawn("svg", { class: "trend", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" }, area, line);
}

export function setTrend(svg, values = []) {
  const most = Math.max(...values.map((value) => value ?? 0), 1);
  const x = (at) => (values.length < 2 ? WIDTH / 2 : (at * (WIDTH - 2)) / (values.length - 1) + 1);
  const y = (value) => HEIGHT - 1.5 - ((HEIGHT - 3) * value) / most;
  let path = "";
  let fill = "";
  let start = null;
  values.forEach((value, at) => {
    if (value === null) { start = null; return; }
    const point = `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    path += `${start === null ? "M" : "L"}${point}`;
    if (start === null) start = at;
    if (at + 1 === values.length || values[at + 1] === null) {
      const top = values.slice(start, at + 1).map((one, i) => `L${x(start + i).toFixed(1)} ${y(one).toFixed(1)}`).join("");
      fill += `M${x(start).toFixed(1)} ${HEIGHT}${top}L${x(at).toFixed(1)} ${HEIGHT}Z`;
    }
  });
  const [area, line] = svg.children;
  attribute(line, "d", path);
  attribute(area, "d", fill);
}
