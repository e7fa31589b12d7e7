// The boundary over a chart: a labelled line in time; what lies after it is hatched. When a batch
// run publishes, the line glides to where it stands now.
import { element, say } from "./dom.js";
import { clock } from "./time.js";

// So many pixels a label needs beside the line.
const LABEL = 150;

export class Boundary {
  constructor() {
    this.shade = element("div", { class: "estimated-stretch", "aria-hidden": "true" });
    this.before = element("span", { class: "before" });
    this.after = element("span", { class: "after" });
    this.line = element("div", { class: "boundary-line" }, this.before, this.after);
  }

  // `boundary` is `null` before the first batch run; `settled` says that nothing follows.
  place(plot, { boundary, settled, from, to, zone }) {
    const width = plot.over.clientWidth;
    const left = boundary === null ? 0 : Math.min(Math.max(plot.valToPos(boundary, "x"), 0), width);
    const inside = boundary !== null && boundary > from && boundary < to && !settled;
    this.shade.hidden = settled || (boundary !== null && boundary >= to);
    this.shade.style.transform = `translateX(${left}px)`;
    this.shade.style.width = `${width}px`;
    this.line.hidden = !inside;
    this.line.style.transform = `translateX(${left}px)`;
    if (!inside) return;
    const narrow = width - left < LABEL;
    say(this.before, `exact until ${clock(boundary, zone)}`);
    say(this.after, narrow ? "" : "estimated");
    this.before.hidden = left < LABEL && !narrow;
  }
}
