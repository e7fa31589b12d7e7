// How numbers are written.

const WHOLE = new Intl.NumberFormat("en");
const ONE = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export const count = (value) => WHOLE.format(Math.round(value));

// Rates below ten keep a digit.
export const rate = (value) => (value !== 0 && Math.abs(value) < 10 ? ONE.format(value) : count(value));

// For axes: 12k, 3.4M.
export function short(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return `${+(value / 1e9).toFixed(1)}G`;
  if (size >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  return size >= 1e4 ? `${+(value / 1e3).toFixed(1)}k` : WHOLE.format(value);
}

export function bytes(value) {
  let at = 0;
  while (value >= 1024 && at < BYTES.length - 1) { value /= 1024; at++; }
  return `${at && value < 100 ? value.toFixed(1) : Math.round(value)} ${BYTES[at]}`;
}

// Of microseconds.
export function duration(micros) {
  if (micros < 1000) return `${micros} µs`;
  if (micros < 1e6) return `${+(micros / 1000).toFixed(micros < 1e5 ? 1 : 0)} ms`;
  return `${+(micros / 1e6).toFixed(2)} s`;
}

export function percent(part, whole = 1, digits = 1) {
  if (!whole) return "–";
  const value = (100 * part) / whole;
  return value > 0 && value < 0.1 && digits < 2 ? "<0.1%" : `${value.toFixed(digits)}%`;
}

// How long something has lasted, in its largest unit.
export function lasting(seconds) {
  if (seconds < 1) return "now";
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}
