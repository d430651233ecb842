/* The Alerts page: times that go on, what its buttons say, and the form for a silence. */
(function () {
  "use strict";

  var lrwatch = (window.lrwatch = window.lrwatch || /** @type {Lrwatch} */ ({}));
  var focused = null;

  function byId(id) {
    return document.getElementById(id);
  }

  function setProps(id, props) {
    window.dash_clientside.set_props(id, props);
  }

  /* "3 min ago", "in 7 h", as lrwatch_dashboard.components.moment writes it. */
  function showTimes() {
    var now = Date.now() / 1000 + (lrwatch.clockAhead || 0);
    document.querySelectorAll("time[data-at]").forEach(function (element) {
      var away = Number(element.dataset.at) - now;
      var span = lrwatch.grid.duration(Math.max(Math.abs(away), 1));
      var text = away > 0 ? "in " + span : span + " ago";
      if (element.textContent !== text) element.textContent = text;
      if (!element.title) element.title = new Date(1000 * Number(element.dataset.at)).toLocaleString();
    });
  }

  window.setInterval(showTimes, 1000);

  function isPressed(button) {
    return button.getAttribute("aria-pressed") === "true";
  }

  function press(button) {
    document.querySelectorAll("#silence [data-length]").forEach(function (other) {
      other.setAttribute("aria-pressed", String(other === button));
    });
  }

  function openForm(button) {
    setProps("silence-run", { value: button.dataset.silence });
    setProps("silence-problem", { children: "" });
    byId("silence-rule").value = button.dataset.rule;
    byId("silence").showModal();
    byId("silence-reason").focus();
  }

  function send() {
    var length = document.querySelector("#silence [data-length][aria-pressed=true]");
    var form = {
      run: byId("silence-run").value,
      rule: byId("silence-rule").value,
      length: length ? length.dataset.length : "",
      reason: byId("silence-reason").value,
      by: byId("silence-by").value,
      until_worse: isPressed(document.querySelector("[data-toggle=until_worse]")),
      at: Date.now(),
    };
    setProps("silence-form", { data: form });
  }

  function toggle(button) {
    button.setAttribute("aria-pressed", String(!isPressed(button)));
  }

  /* With the time, so that the same thing can be said again. */
  function say(what) {
    setProps("alerts-saying", { data: Object.assign({ at: Date.now() }, what) });
  }

  function acknowledge(button) {
    var by = byId("silence-by").value;
    say({ alert: button.dataset.ack, episode: button.dataset.episode, by: by });
  }

  function clicked(button) {
    if ("ack" in button.dataset) acknowledge(button);
    else if ("silence" in button.dataset) openForm(button);
    else if ("end" in button.dataset) say({ end: button.dataset.end });
    else if ("length" in button.dataset) press(button);
    else if ("toggle" in button.dataset) toggle(button);
    else if (button.id === "silence-send") send();
    else if (button.dataset.close === "silence") byId("silence").close();
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest(".alerts-page button");
    if (button) clicked(button);
    else if (event.target.id === "silence") event.target.close(); // the ground around the form
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || !event.target.closest("#silence input")) return;
    event.preventDefault();
    send();
  });

  /* The list is drawn anew when something in it changes; the focus is put back where it was. */
  document.addEventListener("focusin", function (event) {
    var part = event.target.closest("#alerts-board [data-part]");
    focused = part && { part: part.dataset.part, text: event.target.textContent };
  });

  function putBack() {
    if (!focused || document.activeElement !== document.body) return;
    var part = document.querySelector('[data-part="' + CSS.escape(focused.part) + '"]');
    if (!part) return;
    var all = Array.from(part.querySelectorAll("a, button, summary"));
    var same = all.find(function (element) {
      return element.textContent === focused.text;
    });
    if (same || all.length) (same || all[all.length - 1]).focus({ preventScroll: true });
  }

  window.dash_clientside = window.dash_clientside || /** @type {any} */ ({});
  window.dash_clientside.lrwatchAlerts = {
    drawn: function () {
      window.setTimeout(putBack, 0);
    },

    /* The form closes once what it asked for is done, and not when the page has just come. */
    silenced: function (at) {
      if (at && byId("silence").open) byId("silence").close();
    },
  };
})();
