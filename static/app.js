// Theme switch, popovers, search, keyboard. Every page works without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const order = ["system", "light", "dark"];

  function label() {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.setAttribute("aria-label", button.dataset[root.dataset.themeState]);
      button.title = button.dataset[root.dataset.themeState];
    }
  }

  function setTheme(name) {
    root.dataset.themeState = name;
    if (name === "system") delete root.dataset.theme; else root.dataset.theme = name;
    try { localStorage.setItem("costwatch-theme", name); } catch { /* it lasts as long as the page */ }
    label();
    document.dispatchEvent(new Event("costwatch:theme"));
  }

  function openSearch() {
    const dialog = document.getElementById("search");
    if (!dialog || dialog.open) return;
    closePopovers();
    dialog.showModal();
    const input = dialog.querySelector("input");
    input.value = "";
    input.dispatchEvent(new Event("opened"));
    input.focus();
  }

  function closePopovers(except) {
    for (const one of document.querySelectorAll("details.pop[open]")) if (!one.contains(except)) one.open = false;
  }

  document.addEventListener("click", (event) => {
    closePopovers(event.target);
    const theme = event.target.closest("[data-theme-switch]");
    if (theme) setTheme(order[(order.indexOf(root.dataset.themeState) + 1) % 3]);
    if (event.target.closest("[data-open=search]")) openSearch();
    if (event.target.id === "search") event.target.close();
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if ((event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) || (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      openSearch();
    } else if (event.key === "Escape") {
      const open = document.querySelector("details.pop[open]");
      if (open) { open.open = false; open.querySelector("summary").focus(); }
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.closest("#search")) {
      const places = [document.getElementById("q"), ...document.querySelectorAll("#found a")];
      const next = places.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
      places[(next + places.length) % places.length].focus();
    }
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-search]")) return;
    event.preventDefault();
    const first = document.querySelector("#found a");
    if (first) first.click();
  });

  label();
})();
