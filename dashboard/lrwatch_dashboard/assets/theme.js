/* Sets the theme before the first paint: what the reader chose last, else what the system says. */
(function () {
  "use strict";
  var wish = null;
  try {
    wish = window.localStorage.getItem("lrwatch-theme");
  } catch (error) {
    /* storage may be forbidden; the system's wish is then followed */
  }
  var dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = wish || (dark ? "dark" : "light");
})();
