// Times: seconds since the epoch inside, UTC or the reader's own zone outside.

const formats = new Map();

function formatted(seconds, zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) {
    const timeZone = zone === "utc" ? "UTC" : undefined;
    formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone, hourCycle: "h23", ...options }));
  }
  return formats.get(key).format(new Date(seconds * 1000));
}

export const clock = (seconds, zone) => formatted(seconds, zone, { hour: "2-digit", minute: "2-digit" });
export const day = (seconds, zone) => formatted(seconds, zone, { day: "numeric", month: "short" });
export const instant = (seconds, zone) => `${formatted(seconds, zone, { weekday: "short" })} ${day(seconds, zone)}, ${clock(seconds, zone)}`;
export const zoneName = (zone) => (zone === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone || "local");

// The API's minutes, `2026-11-23T18:04Z`, and back.
export const seconds = (text) => Date.parse(text) / 1000;
export const minute = (at) => `${new Date(Math.floor(at / 60) * 60000).toISOString().slice(0, 16)}Z`;

// Minutes of a span such as `24h`.
export function span(text) {
  const unit = { m: 1, h: 60, d: 1440 }[text.slice(-1)];
  return unit * Number(text.slice(0, -1));
}

// What an `<input type=datetime-local>` holds, in a zone.
export function toInput(at, zone) {
  const shift = zone === "utc" ? 0 : new Date(at * 1000).getTimezoneOffset() * 60;
  return minute(at - shift).slice(0, 16);
}
export function fromInput(text, zone) {
  return Date.parse(zone === "utc" ? `${text}Z` : text) / 1000;
}
