// Before the first paint, hence no module: a page that is to be dark never flashes white.
"use strict";
(() => {
  const words = { auto: "system", light: "light", dark: "dark" };
  const order = Object.keys(words);
  const root = document.documentElement;

  function chosen() {
    try {
      const theme = localStorage.getItem("masterpool-theme");
      return order.includes(theme) ? theme : "auto";
    } catch {
      return "auto"; // Storage may be forbidden.
    }
  }

  function show(theme) {
    root.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (button) button.textContent = `Theme: ${words[theme]}`;
  }

  show(chosen());
  document.addEventListener("DOMContentLoaded", () => {
    show(root.dataset.theme);
    document.getElementById("theme").addEventListener("click", () => {
      const next = order[(order.indexOf(root.dataset.theme) + 1) % order.length];
      try {
        localStorage.setItem("masterpool-theme", next);
      } catch {
        // Then it holds for as long as the page does.
      }
      show(next);
    });
  });
})();
