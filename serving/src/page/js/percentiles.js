// Percentiles of size and duration.
import { $, element } from "./dom.js";
import { bytes, duration, percent } from "./numbers.js";
import { EXACT, show } from "./sure.js";

const RANKS = [["p50", "half"], ["p90", "90%"], ["p95", "95%"], ["p99", "99%"]];

// `why` says why there are none.
export function setPercentiles({ sizes, durations }, why = "Nothing in this range.") {
  const section = $("percentiles");
  const cell = (of, rank, write) => {
    const number = element("span", { tabindex: "0" });
    if (of) show(number, write(of[rank]), of.exact, of.exact ? EXACT : `Estimated: the rank can be off by ${percent(of.rank_error, 1, 2)}, 99 times of 100.`);
    else number.textContent = "–";
    return element("td", { class: "n" }, number);
  };
  const rows = RANKS.map(([rank, share]) => element("tr", {}, element("th", { scope: "row" }, rank, element("small", {}, ` ${share} at most`)),
    cell(sizes, rank, bytes), ...(durations ? [cell(durations, rank, duration)] : [])));
  const head = element("tr", {}, element("td"), element("th", { scope: "col" }, "Size"), ...(durations ? [element("th", { scope: "col" }, "Duration")] : []));
  section.replaceChildren(section.firstElementChild,
    sizes ? element("table", { class: "plain" }, element("caption", { class: "unseen" }, "Percentiles of response size and duration"), element("thead", {}, head), element("tbody", {}, ...rows)) : element("p", { class: "none" }, why),
    durations || !sizes ? "" : element("p", { class: "note" }, "The log's format has no durations."));
}
