/* What the pages do in the browser: navigation, theme, zoom, pause, the notice of a lost server. */
(function () {
  "use strict";

  var LOST_AFTER_MS = 9000;
  var lrwatch = (window.lrwatch = window.lrwatch || {});
  var lastBeat = Date.now();
  var paused = false;

  /* Navigation without a reload: dcc.Location listens to popstate. */
  lrwatch.open = function (href) {
    if (href === window.location.pathname + window.location.search) return;
    window.history.pushState({}, "", href);
    window.dispatchEvent(new PopStateEvent("popstate"));
    window.scrollTo(0, 0);
  };

  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a[href^='/']");
    var plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (!link || !plain || event.defaultPrevented || link.hasAttribute("download")) return;
    event.preventDefault();
    var href = link.getAttribute("href");
    var view = link.dataset.keep === "view" ? lrwatch.view.kept() : [];
    lrwatch.open([href].concat(view).join("&"));
  });

  function tickId() {
    var page = document.querySelector("[data-tick]");
    return page && page.dataset.tick;
  }

  function setTick() {
    var id = tickId();
    var resting = paused || document.hidden;
    if (id) window.dash_clientside.set_props(id, { disabled: resting });
    if (!resting) lastBeat = Date.now();
    var button = document.getElementById("pause");
    if (!button) return;
    button.textContent = paused ? "paused" : "live";
    button.classList.toggle("is-paused", paused);
    button.setAttribute("aria-pressed", String(paused));
  }

  lrwatch.togglePause = function () {
    paused = !paused;
    setTick();
  };

  document.addEventListener("visibilitychange", setTick);

  /* A range for an address: no finer than a screen, which is a thousandth of what it shows. */
  function zoomWords(first, last) {
    var decimals = Math.max(0, Math.ceil(3 - Math.log10(last - first)));
    var scale = Math.pow(10, Math.min(decimals, 15));
    var round = function (x) {
      return String(Math.round(x * scale) / scale);
    };
    return { from: round(first), to: round(last) };
  }

  function markPage() {
    var path = window.location.pathname;
    document.querySelectorAll(".bar nav a").forEach(function (link) {
      var here = link.getAttribute("href");
      if (here === "/" ? path === "/" || path.indexOf("/run/") === 0 : path.indexOf(here) === 0) {
        link.setAttribute("aria-current", "page");
      } else {
        link.removeAttribute("aria-current");
      }
    });
  }

  window.setInterval(function () {
    var notice = document.getElementById("lost");
    if (!notice) return;
    var resting = paused || document.hidden || !tickId();
    notice.hidden = resting || Date.now() - lastBeat < LOST_AFTER_MS;
  }, 1000);

  function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    return theme;
  }

  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function (event) {
    var chosen = null;
    try {
      chosen = window.localStorage.getItem("lrwatch-theme");
    } catch (error) {
      return;
    }
    if (chosen) return;
    window.dash_clientside.set_props("theme", { data: setTheme(event.matches ? "dark" : "light") });
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.lrwatch = {
    /* The theme as it is, or the other one after a click, which is remembered. */
    theme: function (clicks) {
      var theme = document.documentElement.dataset.theme;
      if (!clicks) return theme;
      theme = setTheme(theme === "dark" ? "light" : "dark");
      try {
        window.localStorage.setItem("lrwatch-theme", theme);
      } catch (error) {
        /* not remembered, then */
      }
      return theme;
    },

    /* A page has come: title, columns that fit, the filter of the address. */
    arrived: function () {
      window.setTimeout(function () {
        var heading = document.querySelector("main h1");
        document.title = (heading ? heading.textContent + " · " : "") + "lrwatch";
        setTick();
        markPage();
        lrwatch.view.show();
        lrwatch.grid.fitWidth();
        lrwatch.grid.restoreSort();
        lrwatch.grid.applyFilter();
        lrwatch.grid.restoreSelection();
      }, 0);
    },

    /* The server answered; its clock is the one that ages are counted by. */
    beat: function (beat) {
      lastBeat = Date.now();
      if (beat) lrwatch.clockAhead = beat.now - Date.now() / 1000;
      lrwatch.grid.refreshAges();
    },

    applyRows: function (change) {
      if (change) lrwatch.grid.applyRows(change);
    },

    /* The run behind a mark of the chart. */
    openPoint: function (click) {
      var href = click && click.points.length && click.points[0].customdata;
      if (href) lrwatch.open(href);
    },

    /* The words of the address after a zoom, from what plotly tells of a change of the axes. */
    zoomOf: function (change) {
      var none = window.dash_clientside.no_update;
      if (!change) return none;
      var zoomed = "from" in lrwatch.view.words();
      if (change["xaxis.autorange"]) return zoomed ? lrwatch.view.set({ from: "", to: "" }) : none;
      var range = change["xaxis.range"];
      var first = range ? range[0] : change["xaxis.range[0]"];
      var last = range ? range[1] : change["xaxis.range[1]"];
      if (first === undefined || last === undefined) return none;
      return lrwatch.view.set(zoomWords(Number(first), Number(last)));
    },
  };
})();
