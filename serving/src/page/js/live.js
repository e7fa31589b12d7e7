// What the server tells by itself, and what the page does when it goes away.
import { $, attribute, say } from "./dom.js";
import { lasting } from "./numbers.js";
import { clock } from "./time.js";
import { view } from "./view.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 15000;

let heard = Date.now();
let gone = null;
let wait = FIRST_WAIT;

// The server has answered.
export function answered() {
  heard = Date.now();
  wait = FIRST_WAIT;
  if (gone) { gone = null; $("away").hidden = true; document.body.classList.remove("away-now"); }
}

// The server did not answer; `again` is called after a while, later each time.
export function failed(error, again) {
  gone ??= Date.now();
  document.body.classList.add("away-now");
  $("away").hidden = false;
  say($("away"), `The server has not answered since ${clock(gone / 1000, view().zone)} (${error.message}). What you see is what it said last; trying again every few seconds.`);
  clearTimeout(failed.timer);
  failed.timer = setTimeout(again, wait);
  wait = Math.min(wait * 1.6, LONGEST_WAIT);
}

export const isAway = () => gone !== null;

// Listens; `on` has `minutes(points)`, `publication(news)` and `back()`.
export function listen(on) {
  const events = new EventSource("/api/v1/events");
  let broken = false;
  const told = (name) => events.addEventListener(name, (event) => { answered(); on[name](JSON.parse(event.data)); });
  told("minutes");
  told("publication");
  events.onopen = () => { if (broken) on.back(); broken = false; };
  events.onerror = () => {
    broken = true;
    failed(new Error("the connection is closed"), on.back);
  };
  beat();
  setInterval(beat, 1000);
}

function beat() {
  const age = (Date.now() - heard) / 1000;
  const pulse = $("pulse");
  attribute(pulse, "data-state", gone ? "gone" : view().last ? "live" : "still");
  say(pulse, gone ? "no answer" : !view().last ? "fixed range" : age < 3 ? "live" : `live, unchanged for ${lasting(age)}`);
}
