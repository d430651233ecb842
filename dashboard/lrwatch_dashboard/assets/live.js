/* What the pages do in the browser: navigation, theme, zoom, pause, the notice of a lost server. */
(function () {
  "use strict";

  var LOST_AFTER_MS = 9000;
  var PATIENCE_MS = 60000;
  var NEAR_PX = 14;
  var lrwatch = (window.lrwatch = window.lrwatch || /** @type {Lrwatch} */ ({}));
  var lastBeat = Date.now();
  var paused = false;
  var isSignedOut = false;
  var askedAt = 0;
  var pressed = null; // where the pointer was pressed last

  document.addEventListener(
    "pointerdown",
    function (event) {
      pressed = event;
    },
    true
  );

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

  /* The clocks of the page: of its news, and of its chart. */
  function clocks() {
    var page = document.querySelector("[data-tick]");
    return page ? page.dataset.tick.split(" ") : [];
  }

  /* Answers to ticks that are under way, by clock. Dash drops one once the same is asked again, so
     that those of a slow server would never be shown: a clock rests while it awaits one. */
  var awaited = {};

  function isAwaited(id) {
    var now = awaited[id];
    return Boolean(now) && now.n > 0 && Date.now() - now.since < PATIENCE_MS;
  }

  function asked(inputs) {
    inputs.forEach(function (input) {
      if (!/-tick$/.test(input.id)) return;
      awaited[input.id] = { n: isAwaited(input.id) ? awaited[input.id].n + 1 : 1, since: Date.now() };
    });
    setClocks();
  }

  function answered(inputs) {
    inputs.forEach(function (input) {
      if (awaited[input.id]) awaited[input.id].n -= 1;
    });
    setClocks();
  }

  function setClocks() {
    clocks().forEach(function (id) {
      var resting = paused || document.hidden || isAwaited(id);
      window.dash_clientside.set_props(id, { disabled: resting });
    });
  }

  lrwatch.hooks = {
    request_pre: function (request) {
      asked(request.inputs);
    },
    callback_resolved: function (callback) {
      answered(callback.inputs);
    },
  };

  function setTick() {
    setClocks();
    if (!paused && !document.hidden) lastBeat = Date.now();
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

  function markPage() {
    var path = window.location.pathname;
    document.querySelectorAll(".bar nav a").forEach(function (link) {
      var here = link.getAttribute("href");
      if (here === "/" ? path === "/" || path.indexOf("/run/") === 0 : path.indexOf(here) === 0) {
        link.setAttribute("aria-current", "page");
        link.scrollIntoView({ block: "nearest", inline: "nearest" });
      } else {
        link.removeAttribute("aria-current");
      }
    });
  }

  window.setInterval(function () {
    var notice = document.getElementById("lost");
    if (!notice) return;
    Object.keys(awaited).forEach(function (id) {
      if (awaited[id].n > 0 && !isAwaited(id)) {
        delete awaited[id];
        setClocks();
      }
    });
    var resting = paused || document.hidden || !clocks().length;
    var isLost = !resting && Date.now() - lastBeat >= LOST_AFTER_MS;
    if (isLost) ask();
    else isSignedOut = false;
    notice.hidden = !isLost || isSignedOut;
    document.getElementById("signed-out").hidden = !isLost || !isSignedOut;
  }, 1000);

  /* Polls fail the same way whether the server is gone or the session is: ask which. */
  function ask() {
    if (Date.now() - askedAt < LOST_AFTER_MS) return;
    askedAt = Date.now();
    window
      .fetch("/_dash-layout", { credentials: "same-origin" })
      .then(function (answer) {
        isSignedOut = answer.status === 401;
      })
      .catch(function () {
        isSignedOut = false;
      });
  }

  document.addEventListener("click", function (event) {
    // The server asks for the token, and leads back to this page.
    if (event.target.id === "sign-in") window.location.reload();
  });

  /* Pages draw parts anew as news come; what the reader unfolded, and how far a table was pushed
     sideways, stays so. */
  var unfolded = {};
  var pushed = {};
  document.addEventListener(
    "click",
    function (event) {
      // A toggle event comes later than news may: what is closed would be opened again.
      var summary = event.target.closest("details[data-fold] > summary");
      if (summary) unfolded[summary.parentNode.dataset.fold] = !summary.parentNode.open;
    },
    true
  );
  document.addEventListener(
    "scroll",
    function (event) {
      var table = event.target.closest && event.target.closest(".scroll-x");
      if (table && table === event.target) pushed[table.getAttribute("aria-label")] = table.scrollLeft;
    },
    true
  );
  new MutationObserver(function () {
    document.querySelectorAll("details[data-fold]:not([open])").forEach(function (part) {
      part.open = Boolean(unfolded[part.dataset.fold]);
    });
    Object.keys(pushed).forEach(function (label) {
      if (!pushed[label]) return;
      document.querySelectorAll('.scroll-x[aria-label="' + CSS.escape(label) + '"]').forEach(function (table) {
        if (!table.scrollLeft) table.scrollLeft = pushed[label];
      });
    });
  }).observe(document.body, { childList: true, subtree: true });

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

  window.dash_clientside = window.dash_clientside || /** @type {any} */ ({});
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
      pushed = {};
      window.setTimeout(function () {
        var heading = document.querySelector("main h1");
        document.title = (heading ? heading.textContent + " · " : "") + "lrwatch";
        setTick();
        markPage();
        lrwatch.view.show();
        lrwatch.grid.fitWidth();
        lrwatch.grid.restoreSort();
        lrwatch.find.arrived();
        lrwatch.grid.restoreSelection();
      }, 0);
    },

    /* The server answered; its clock is the one that ages are counted by. */
    beat: function (beat) {
      lastBeat = Date.now();
      if (beat) lrwatch.clockAhead = beat.now - Date.now() / 1000;
      lrwatch.grid.refreshAges();
      lrwatch.view.showToLive();
    },

    found: function (found) {
      lrwatch.find.found(found);
    },

    known: function (known) {
      lrwatch.find.known(known);
    },

    applyRows: function (change) {
      if (change) lrwatch.grid.applyRows(change);
    },

    /* The run behind a mark of the chart. */
    openPoint: function (click) {
      var href = click && click.points.length && click.points[0].customdata;
      if (href) lrwatch.open(href);
    },

    /* The run of the line under the pointer; a click beside the lines opens none. */
    openLine: function (click) {
      var chart = document.querySelector(".js-plotly-plot");
      if (!click || !chart || !pressed) return;
      var near = click.points
        .map(function (point) {
          var middle = point.bbox ? (point.bbox.y0 + point.bbox.y1) / 2 : Infinity;
          return { href: chart.data[point.curveNumber].meta, far: Math.abs(middle - pressed.pageY) };
        })
        .filter(function (point) {
          return point.href && point.far <= NEAR_PX;
        })
        .sort(function (a, b) {
          return a.far - b.far;
        });
      if (near.length) lrwatch.open(near[0].href);
    },

    /* The words of the address after a zoom, from what plotly tells of a change of the axes. */
    zoomOf: function (change) {
      var none = window.dash_clientside.no_update;
      if (!change) return none;
      var words = lrwatch.view.words();
      var isZoomed = "from" in words || "last" in words;
      var all = { from: "", to: "", last: "" };
      if (change["xaxis.autorange"]) return isZoomed ? lrwatch.view.set(all) : none;
      var range = change["xaxis.range"];
      var first = range ? range[0] : change["xaxis.range[0]"];
      var last = range ? range[1] : change["xaxis.range[1]"];
      if (first === undefined || last === undefined) return none;
      return lrwatch.view.set(lrwatch.view.zoomed(Number(first), Number(last)));
    },
  };
})();
