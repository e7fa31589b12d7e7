// Whether a number is exact, and how it says so: an estimate has a hatched line under it, and
// both tell on hover and focus.
import { attribute, say } from "./dom.js";
import { count } from "./numbers.js";

export const EXACT = "Exact: computed by the batch layer from the archive.";
export const LIVE = "Estimated: counted live. Requests that come late are added by the next batch run.";

export const between = (low, high) => `Estimated: from ${count(low)} to ${count(high)}, 95 times of 100.`;
const atLeast = (low, missed) =>
  `Estimated: at least ${count(low)}, at most ${count(low + missed)}.`;

// Writes a number into a node.
export function show(node, text, exact, tip) {
  say(node, text);
  node.classList.toggle("estimate", !exact);
  node.classList.toggle("exact", exact);
  attribute(node, "data-tip", tip ?? (exact ? EXACT : LIVE));
}

// Of a top list's row.
export function rowTip(row, value) {
  if (row.exact) return EXACT;
  return row.missed > 0 ? atLeast(value, row.missed) : LIVE;
}
