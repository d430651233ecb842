/* How a chart is shown: words of the address, set by switches, keys and zooms. */
(function () {
  "use strict";

  var WORDS = ["x", "y", "from", "to", "sm", "others", "loss"];
  var lrwatch = (window.lrwatch = window.lrwatch || {});

  /* Parts of the address as they stand, so that commas between runs stay commas. */
  function parts() {
    return window.location.search.replace(/^\?/, "").split("&").filter(Boolean);
  }

  function nameOf(part) {
    return part.split("=")[0];
  }

  function words() {
    var found = {};
    new URLSearchParams(window.location.search).forEach(function (value, name) {
      if (!(name in found)) found[name] = value;
    });
    return found;
  }

  function address(kept) {
    return window.location.pathname + (kept.length ? "?" + kept.join("&") : "");
  }

  /* Set words, drop those that are empty, and return all of them. */
  function set(changes) {
    var kept = parts().filter(function (part) {
      return !(nameOf(part) in changes);
    });
    Object.keys(changes).forEach(function (name) {
      if (changes[name] !== "") kept.push(name + "=" + encodeURIComponent(changes[name]));
    });
    window.history.replaceState(window.history.state, "", address(kept));
    show();
    return words();
  }

  /* The switches say what is set. */
  function show() {
    var now = words();
    document.querySelectorAll(".choice[data-view]").forEach(function (button) {
      var pair = button.dataset.view.split("=");
      button.setAttribute("aria-pressed", String((now[pair[0]] || "") === pair[1]));
    });
    document.querySelectorAll(".reset").forEach(function (button) {
      button.hidden = !("from" in now);
    });
  }

  function press(button) {
    var changes = {};
    button.dataset.view.split("&").forEach(function (word) {
      var pair = word.split("=");
      changes[pair[0]] = pair[1];
    });
    // A zoom is in the unit of the axis.
    if ("x" in changes) Object.assign(changes, { from: "", to: "" });
    window.dash_clientside.set_props("view", { data: set(changes) });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("button[data-view]");
    if (button) press(button);
    var image = event.target.closest && event.target.closest("button[data-image]");
    if (image) save(image.dataset.image);
  });

  /* The chart of the page as a picture, named after the page. */
  function save(format) {
    var chart = document.querySelector(".js-plotly-plot");
    if (!chart) return;
    var heading = document.querySelector("main h1").textContent;
    var name = "lrwatch-" + heading.replace(/[^\w.-]+/g, "-");
    window.Plotly.downloadImage(chart, { format: format, scale: 2, filename: name });
  }

  lrwatch.view = {
    set: set,
    show: show,
    words: words,

    /* The words that say how charts are shown, to go on with at another address. */
    kept: function () {
      return parts().filter(function (part) {
        return WORDS.indexOf(nameOf(part)) >= 0;
      });
    },

    /* Press the next choice of a switch. */
    cycle: function (word, choices) {
      var now = words()[word] || "";
      var next = choices[(choices.indexOf(now) + 1) % choices.length];
      var button = document.querySelector('.choice[data-view="' + word + "=" + next + '"]');
      if (button) press(button);
    },
  };
})();
