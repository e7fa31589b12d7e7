// Before the first paint, so that nothing flashes: the theme that was chosen, if one was.
"use strict";
try {
  const chosen = localStorage.getItem("twofold-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // A browser that keeps nothing shows what the system prefers.
}
