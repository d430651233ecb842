/* The page as it came with the document, which the grid replaces once it has a row. */
(function () {
  "use strict";
  var first = document.getElementById("first-screen");
  var entry = document.getElementById("react-entry-point");
  if (!first || !entry) return;
  var ready = ".ag-row, #empty:not([hidden]), .run, .empty:not(#empty)";
  new MutationObserver(function (_changes, observer) {
    if (!entry.querySelector(ready)) return;
    observer.disconnect();
    window.requestAnimationFrame(function () {
      first.remove();
    });
  }).observe(entry, { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });
})();
