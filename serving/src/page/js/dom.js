// Making and changing elements. Text is only ever set as text: what comes from a log can't become markup.

export const $ = (id) => document.getElementById(id);

// An element; `attributes` are set as such, but for `on…` (listeners), `class` and `hidden`.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

// Changes a text only where it differs, so that nothing flickers and a selection stays.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Sets an attribute only where it differs; `null` takes it away.
export function attribute(node, name, value) {
  if (value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

// Makes `parent`'s children those of `items`: the child of a key stays the same element.
export function keyed(parent, items, keyOf, make, change) {
  const known = parent.known ?? new Map();
  const now = new Map();
  items.forEach((item, at) => {
    const key = keyOf(item);
    const child = known.get(key) ?? make(item);
    now.set(key, child);
    change(child, item, at);
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  });
  while (parent.children.length > now.size) parent.lastElementChild.remove();
  parent.known = now;
}

// A table with a head; cells are texts or elements.
export function table(head, rows, caption) {
  const row = (cells, tag) => element("tr", {}, ...cells.map((cell, at) => {
    const first = at === 0 && tag === "td";
    return element(first ? "th" : tag, first ? { scope: "row" } : tag === "th" ? { scope: "col" } : {}, cell);
  }));
  return element("table", {}, caption ? element("caption", { class: "unseen" }, caption) : null,
    element("thead", {}, row(head, "th")), element("tbody", {}, ...rows.map((cells) => row(cells, "td"))));
}
