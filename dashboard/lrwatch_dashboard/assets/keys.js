/* Keys of the whole dashboard; off while one types, and with a modifier held. */
(function () {
  "use strict";

  function isTyping(target) {
    return /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable;
  }

  function help() {
    return document.getElementById("help");
  }

  function toggleHelp() {
    var dialog = help();
    if (dialog.open) dialog.close();
    else dialog.showModal();
  }

  function go(name) {
    var link = document.querySelector("[data-go=" + name + "]");
    if (link) link.click();
  }

  function next(by) {
    if (document.getElementById("runs")) window.lrwatch.grid.moveRow(by);
    else go(by > 0 ? "next" : "previous");
  }

  /* Esc empties the filter, and leaves a field that is empty. */
  function leave(event) {
    var field = event.target;
    if (field.id !== "filter" || !field.value) {
      field.blur();
      return;
    }
    event.preventDefault();
    Object.getOwnPropertyDescriptor(window.HTMLInputElement.prototype, "value").set.call(field, "");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  var actions = {
    "/": function () {
      var field = document.getElementById("filter");
      if (field) field.focus();
    },
    j: function () {
      next(1);
    },
    k: function () {
      next(-1);
    },
    x: function () {
      window.lrwatch.grid.toggleRow();
    },
    c: function () {
      window.lrwatch.grid.compare();
    },
    e: function () {
      if (document.getElementById("edit-button")) window.lrwatch.tidy.edit();
    },
    l: function () {
      window.lrwatch.view.cycle("y", ["", "linear"]);
    },
    s: function () {
      window.lrwatch.view.cycle("sm", ["", "off", "10", "100", "1000"]);
    },
    p: function () {
      window.lrwatch.togglePause();
    },
    t: function () {
      document.getElementById("theme-toggle").click();
    },
    "?": toggleHelp,
  };

  /* Where g and a second key lead. */
  var places = { o: "/", c: "/compare", s: "/sweep", a: "/alerts", h: "/help" };
  var waitsForPlace = false;

  function went(key) {
    var place = waitsForPlace && places[key];
    waitsForPlace = key === "g";
    if (place) window.lrwatch.open(place);
    return Boolean(place) || waitsForPlace;
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") leave(event);
      if (event.key === "Enter" && event.target.id === "filter") next(0);
      return;
    }
    if (!help().open && went(event.key)) return;
    var act = actions[event.key];
    if (!act || (help().open && event.key !== "?")) return;
    event.preventDefault();
    act();
  });

  document.addEventListener("click", function (event) {
    if (event.target.id === "help-button") toggleHelp();
    else if (event.target.id === "pause") window.lrwatch.togglePause();
    else if (event.target === help() || event.target.dataset.close === "help") help().close();
  });
})();
