// The lines behind a number: a drawer, paged.
import { $, element, say } from "./dom.js";
import { visible } from "./text.js";
import { instant, seconds } from "./time.js";
import { ask } from "./ask.js";
import { range, view } from "./view.js";

const PAGE = 50;

let current = null;

// Opens the drawer with the lines that `filters` admit in the range of the view.
export function openLines(filters) {
  const dialog = $("lines");
  const list = element("ol", { class: "raw", tabindex: "0", "aria-label": "Lines" });
  const state = element("p", { class: "note", role: "status" });
  const more = element("button", { type: "button", class: "solid", hidden: true, onclick: () => load() }, "More lines");
  const title = Object.entries(filters).map(([name, value]) => element("span", { class: "chip" }, element("span", {}, name), element("b", {}, visible(value))));
  dialog.replaceChildren(
    element("div", { class: "head" }, element("h2", { id: "lines-title" }, "Lines"), element("div", { class: "chips" }, ...title),
      element("button", { type: "button", class: "quiet", onclick: () => dialog.close(), "aria-label": "Close" }, "×")),
    list, state, more);
  current = { filters, list, state, more, next: undefined };
  dialog.showModal();
  load();
}

async function load() {
  const shown = current;
  shown.more.hidden = true;
  say(shown.state, "Searching the archive…");
  try {
    const answer = await ask("lines", { ...range(), ...shown.filters, limit: PAGE, after: shown.next });
    if (shown !== current) return;
    shown.list.append(...answer.lines.map(line));
    shown.next = answer.next ?? undefined;
    shown.more.hidden = !answer.next;
    const count = shown.list.children.length;
    say(shown.state, count === 0 ? "No archived line matches. Lines of the last minutes may not be archived yet."
      : answer.next ? `The first ${count} lines.` : `${count} ${count === 1 ? "line" : "lines"}, all that are archived.`);
  } catch (error) {
    say(shown.state, `No lines: ${error.message}`);
  }
}

function line(found) {
  const where = `${found.partition} @ ${found.offset}`;
  return element("li", {}, element("span", { class: "when", title: where }, instant(seconds(found.minute), view().zone)),
    element("code", { dir: "ltr" }, visible(found.line)));
}

// Closes on a click beside the drawer.
export function lines() {
  $("lines").addEventListener("click", (event) => { if (event.target === $("lines")) $("lines").close(); });
}
