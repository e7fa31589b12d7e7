// What `data-tip` says, on hover and on focus.
import { $, say } from "./dom.js";

export function tips() {
  const tip = $("tip");
  const hide = () => { tip.hidden = true; };
  const showFor = (event) => {
    const over = event.target.closest?.("[data-tip]");
    if (!over) return hide();
    say(tip, over.dataset.tip);
    tip.hidden = false;
    const at = over.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - tip.offsetWidth / 2), innerWidth - tip.offsetWidth - 8);
    const above = at.top - tip.offsetHeight - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 4 ? above : at.bottom + 8}px`;
  };
  addEventListener("mouseover", showFor);
  addEventListener("focusin", (event) => { if (event.target.matches?.(":focus-visible")) showFor(event); });
  addEventListener("focusout", hide);
  addEventListener("scroll", hide, true);
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
}

// A sentence that goes away by itself.
export function toast(text) {
  const node = $("toast");
  say(node, text);
  node.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { node.hidden = true; }, 6000);
}
