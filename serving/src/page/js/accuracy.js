// How far the estimates were off, by view and day: what the batch layer found.
import { $, element, table } from "./dom.js";
import { count, percent } from "./numbers.js";

const NONE = "–";
const recall = (list) => (list ? percent(list.recall, 1) : NONE);

// How many of the spikes that were seen live the exact minutes confirmed.
function precision(spikes) {
  if (!spikes || spikes.precision === null) return null;
  const { confirmed, withdrawn, missed } = spikes;
  return element("p", { class: "note" }, `Spikes seen live: ${percent(spikes.precision, 1, 0)} confirmed by the exact minutes (${count(confirmed)} of ${count(confirmed + withdrawn)}), ${count(missed)} only seen in them.`);
}

export function setAccuracy(days, spikes) {
  const rows = [...days].reverse().map((day) => {
    const { exact, estimated } = day.requests;
    return [day.day, count(day.minutes), percent(Math.abs(exact - estimated), exact, 2), percent(day.distinct_clients.mean_error, 1, 2),
      percent(day.distinct_clients.max_error, 1, 2), percent(day.size_percentiles.mean_error, 1, 2), recall(day.top_clients), recall(day.top_pages)];
  });
  const section = $("accuracy");
  section.replaceChildren(section.firstElementChild, rows.length === 0
    ? element("p", { class: "none" }, "Not compared yet: that takes a batch run over minutes that the speed layer has closed.")
    : element("div", { class: "scroll" }, table(["Day", "Minutes", "Requests", "Clients, mean", "Clients, worst", "Size percentiles", "Top clients found", "Top pages found"], rows, "Error of the estimates by day")), ...[precision(spikes)].filter(Boolean));
}
