/* How a chart is shown: words of the address, set by switches, keys and zooms. */
(function () {
  "use strict";

  var WORDS = ["x", "y", "from", "to", "last", "sm", "others", "seeds", "loss", "m", "by", "goal", "sx", "sy"];
  var lrwatch = (window.lrwatch = window.lrwatch || /** @type {Lrwatch} */ ({}));

  /* Parts of the address as they stand, so that commas between runs stay commas. */
  function parts() {
    return window.location.search.replace(/^\?/, "").split("&").filter(Boolean);
  }

  function nameOf(part) {
    return part.split("=")[0];
  }

  function words() {
    /** @type {Words} */
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
      if (changes[name] !== "") kept.push(name + "=" + encodeURIComponent(changes[name]).replace(/%2C/g, ","));
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
      var value = decodeURIComponent(pair[1]);
      button.setAttribute("aria-pressed", String((now[pair[0]] || "") === value));
    });
    document.querySelectorAll(".reset").forEach(function (button) {
      button.hidden = !("from" in now || "last" in now);
    });
    showToLive();
  }

  function press(button) {
    var changes = {};
    button.dataset.view.split("&").forEach(function (word) {
      var pair = word.split("=");
      changes[pair[0]] = decodeURIComponent(pair[1]);
    });
    // A zoom is in the unit of the axis.
    if ("x" in changes) Object.assign(changes, { from: "", to: "", last: "" });
    window.dash_clientside.set_props("view", { data: set(changes) });
  }

  /* Show or hide a family of metrics: the address names those that are shown. */
  function pressMetric(chip) {
    var isOn = chip.getAttribute("aria-pressed") === "true";
    chip.setAttribute("aria-pressed", String(!isOn));
    var shown = [];
    chip.parentElement.querySelectorAll("[data-metric]").forEach(function (other) {
      if (other.getAttribute("aria-pressed") === "true") shown.push(other.dataset.metric);
    });
    window.dash_clientside.set_props("view", { data: set({ m: shown.join(",") || "-" }) });
  }

  /* Where the lines of the chart end; -Infinity while there are none. */
  function end() {
    var chart = document.querySelector(".js-plotly-plot");
    var ends = ((chart && chart.calcdata) || []).map(function (points) {
      var last = points[points.length - 1];
      return last && isFinite(last.x) ? last.x : -Infinity;
    });
    return Math.max.apply(null, [-Infinity].concat(ends));
  }

  /* Offered while something runs, and its last steps lie beyond the zoom. */
  function showToLive() {
    var now = words();
    var isLive = document.querySelector(".status .dot-running") && "from" in now;
    document.querySelectorAll(".to-live").forEach(function (button) {
      button.hidden = !isLive || end() <= Number(now.to);
    });
  }

  function toLive() {
    var now = words();
    var width = zoomWords(0, Number(now.to) - Number(now.from)).to;
    window.dash_clientside.set_props("view", { data: set({ from: "", to: "", last: width }) });
  }

  /* A range for an address: no finer than a screen, which is a thousandth of what it shows. */
  function zoomWords(first, last) {
    var decimals = Math.max(0, Math.ceil(3 - Math.log10(last - first)));
    var scale = Math.pow(10, Math.min(decimals, 15));
    var round = function (x) {
      return String(Math.round(x * scale) / scale);
    };
    return { from: round(first), to: round(last) };
  }

  /* A zoom as words: one that reaches the end of the lines goes on with them. */
  function zoomed(first, last) {
    if (last < end() - 0.005 * (last - first)) {
      return Object.assign(zoomWords(first, last), { last: "" });
    }
    return { from: "", to: "", last: zoomWords(0, end() - first).to };
  }

  document.addEventListener("click", function (event) {
    if (event.target.closest && event.target.closest(".to-live")) toLive();
    var button = event.target.closest && event.target.closest("button[data-view]");
    if (button) press(button);
    var chip = event.target.closest && event.target.closest("button[data-metric]");
    if (chip) pressMetric(chip);
    var image = event.target.closest && event.target.closest("button[data-image]");
    if (image) save(image.dataset.image);
  });

  document.addEventListener("change", function (event) {
    var list = event.target.closest && event.target.closest("select[data-word]");
    if (!list) return;
    /** @type {Words} */
    var change = {};
    change[list.dataset.word] = list.value;
    if (list.dataset.word === "by") change.goal = "";
    window.dash_clientside.set_props("view", { data: set(change) });
  });

  /* A file of what is shown: the words of the address, as they are when it is asked for. */
  document.addEventListener(
    "click",
    function (event) {
      var link = event.target.closest && event.target.closest("a[data-follows=view]");
      if (link) link.search = window.location.search;
    },
    true
  );

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
    showToLive: showToLive,
    zoomed: zoomed,
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
