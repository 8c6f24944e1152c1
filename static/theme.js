// Runs before the first paint, so that a chosen theme never flashes.
(() => {
  "use strict";
  let chosen = "system";
  try { chosen = localStorage.getItem("costwatch-theme") || "system"; } catch { /* storage is closed: the system decides */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  else chosen = "system";
  document.documentElement.dataset.themeState = chosen;
})();
