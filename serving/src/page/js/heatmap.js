// Requests by hour and weekday, in the reader's zone.
import { $, element } from "./dom.js";
import { count } from "./numbers.js";
import { view } from "./view.js";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

// Adds days of UTC hours up to weekdays and hours of a zone. (A zone that is off by half an hour
// is rounded to the hour.)
function sums(days, zone) {
  const made = DAYS.map(() => HOURS.map(() => ({ requests: 0, days: 0 })));
  for (const { day, hours } of days) {
    hours.forEach((requests, hour) => {
      const at = new Date(Date.parse(`${day}T00:00Z`) + hour * 3600000);
      const [weekday, local] = zone === "utc" ? [at.getUTCDay(), at.getUTCHours()] : [at.getDay(), at.getHours()];
      const cell = made[(weekday + 6) % 7][local];
      cell.requests += requests;
      cell.days += 1;
    });
  }
  return made;
}

export function setHeatmap(days) {
  const section = $("heatmap");
  const cells = sums(days, view().zone);
  const mean = ({ requests, days: n }) => (n ? requests / n : 0);
  const most = Math.max(...cells.flat().map(mean), 1);
  const cell = (weekday, hour) => {
    const one = cells[weekday][hour];
    const value = mean(one);
    const made = element("td", { "data-tip": `${DAYS[weekday]} ${String(hour).padStart(2, "0")}:00, ${view().zone === "utc" ? "UTC" : "local time"}: ${one.days ? `${count(value)} requests an hour${one.days > 1 ? `, mean of ${one.days} days` : ""}. Exact.` : "nothing stored"}` },
      element("span", { class: "unseen" }, one.days ? count(value) : "–"));
    made.style.setProperty("--heat", one.days ? String(Math.round(8 + (88 * value) / most)) : "0");
    return made;
  };
  const head = element("tr", {}, element("td"), ...HOURS.map((hour) => element("th", { scope: "col" }, hour % 3 ? "" : String(hour).padStart(2, "0"))));
  const rows = DAYS.map((name, weekday) => element("tr", {}, element("th", { scope: "row" }, name), ...HOURS.map((hour) => cell(weekday, hour))));
  const body = days.length === 0 ? element("p", { class: "none" }, "The batch layer has published no day of this range yet.")
    : element("div", { class: "scroll" }, element("table", { class: "heat" }, element("caption", { class: "unseen" }, "Mean requests an hour by weekday and hour"), element("thead", {}, head), element("tbody", {}, ...rows)));
  section.replaceChildren(section.firstElementChild, body);
}
