/* Which runs the table shows: the filter and what it can go on with, groups, columns. */
(function () {
  "use strict";

  var DELAY_MS = 150;
  var MOST_TERMS = 30;
  var functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || /** @type {any} */ ({}));
  var cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || /** @type {any} */ ({}));
  var lrwatch = (window.lrwatch = window.lrwatch || /** @type {Lrwatch} */ ({}));

  /* What the server found: keys of the runs, all of them if null; and the groups in order. */
  var found = { keys: null, by: "", groups: [] };
  var wanted = null;
  var known = { terms: [], settings: [], groups: [], columns: [], metrics: [], values: [] };
  var timer = 0;
  var stats = {};

  function element() {
    return window.React.createElement.apply(null, arguments);
  }

  function words() {
    return lrwatch.view.words();
  }

  function pressed() {
    var buttons = document.querySelectorAll(".mark-filter[aria-pressed=true]");
    return Array.prototype.map.call(buttons, function (button) {
      return button.dataset.mark;
    });
  }

  function isShown(row) {
    var marks = pressed();
    return (!wanted || wanted.has(row.key)) && (!marks.length || marks.indexOf(row.counted) >= 0);
  }

  /* Ask the server which runs are meant, once the reader has stopped typing. */
  function ask() {
    window.clearTimeout(timer);
    timer = window.setTimeout(function () {
      if (!document.getElementById("table")) return;
      var now = words();
      var data = { q: now.q || "", group: now.group || "", cols: now.cols || "" };
      window.dash_clientside.set_props("overview-words", { data: data });
    }, DELAY_MS);
  }

  /* Put the filter into the address, and have it answered. */
  function filterChanged() {
    var field = document.getElementById("filter");
    if (!field) return;
    lrwatch.view.set({ q: field.value, verdict: pressed().join(",") });
    complete();
    refresh();
    ask();
  }

  function refresh() {
    lrwatch.grid.withGrid(function (api) {
      api.onFilterChanged();
      showCount(api);
    });
  }

  function showCount(api) {
    var n = 0;
    var all = 0;
    api.forEachNode(function (node) {
      if (!node.data || node.data.isGroup) return;
      all += 1;
      if (isShown(node.data)) n += 1;
    });
    var place = document.getElementById("shown");
    if (place) place.textContent = n < all ? n.toLocaleString("en") + " of " : "";
  }

  /* Terms with which the text can go on, as a list below the field. */
  function complete() {
    var field = document.getElementById("filter");
    var list = document.getElementById("filter-terms");
    if (!field || !list) return;
    var text = field.value;
    var cut = text.lastIndexOf(" ") + 1;
    var typed = text.slice(cut).toLowerCase();
    var before = typed.match(/^[-(]*/)[0];
    var part = typed.slice(before.length);
    var isQuoted = (text.slice(0, cut).match(/"/g) || []).length % 2 === 1;
    var terms = known.terms.filter(function (term) {
      var low = term.toLowerCase();
      return low.indexOf(part) >= 0 && low !== part;
    });
    list.replaceChildren();
    if (isQuoted) return;
    terms.slice(0, MOST_TERMS).forEach(function (term) {
      var option = document.createElement("option");
      option.value = text.slice(0, cut) + before + term;
      list.appendChild(option);
    });
  }

  /* Groups: a row above the runs of each, with the best and the middle one of those shown. */
  function groupKey(value) {
    return "group " + value;
  }

  function placeGroups(api) {
    var there = {};
    api.forEachNode(function (node) {
      if (node.data && node.data.isGroup) there[node.data.key] = node.data;
    });
    var add = [];
    var remove = [];
    var keep = {};
    (found.by ? found.groups : []).forEach(function (value, place) {
      var row = { key: groupKey(value), isGroup: true, of: value, by: found.by, place: place };
      keep[row.key] = true;
      if (!there[row.key] || there[row.key].by !== found.by) add.push(row);
    });
    Object.keys(there).forEach(function (key) {
      if (!keep[key] || there[key].by !== found.by) remove.push({ key: key });
    });
    if (remove.length) api.applyTransaction({ remove: remove });
    if (add.length) api.applyTransaction({ add: add });
  }

  function membersOf(nodes) {
    var members = {};
    nodes.forEach(function (node) {
      if (node.data.isGroup) return;
      (members[node.data.of] = members[node.data.of] || []).push(node);
    });
    return members;
  }

  function statsOf(nodes) {
    var rows = nodes.map(function (node) {
      return node.data;
    });
    var losses = rows
      .filter(function (row) {
        return typeof row.best === "number";
      })
      .sort(function (a, b) {
        return a.best - b.best;
      });
    var marks = {};
    rows.forEach(function (row) {
      if (row.counted) marks[row.counted] = (marks[row.counted] || 0) + 1;
    });
    // Of an even number the lower one: a value that a run really had.
    var middle = losses.length ? losses[Math.floor((losses.length - 1) / 2)].best_text : "";
    return { n: rows.length, best: losses.length ? losses[0].best_text : "", middle: middle, marks: marks };
  }

  /* Put the runs of each group below its row, in the order of the table. */
  functions.lrwatchGrouped = function (params) {
    if (!found.by) return;
    var nodes = params.nodes;
    var members = membersOf(nodes);
    var order = {};
    found.groups.forEach(function (value, place) {
      order[value] = place;
    });
    var heads = nodes.filter(function (node) {
      return node.data.isGroup && node.data.by === found.by;
    });
    heads.sort(function (a, b) {
      return order[a.data.of] - order[b.data.of];
    });
    var sorted = [];
    var now = {};
    heads.forEach(function (head) {
      var own = members[head.data.of] || [];
      delete members[head.data.of];
      now[head.data.key] = statsOf(own);
      sorted = sorted.concat([head], own);
    });
    Object.keys(members).forEach(function (value) {
      sorted = sorted.concat(members[value]);
    });
    nodes.filter(function (node) {
      return node.data.isGroup && node.data.by !== found.by;
    }).forEach(function (node) {
      sorted.push(node);
    });
    for (var i = 0; i < nodes.length; i += 1) nodes[i] = sorted[i];
    if (JSON.stringify(now) === JSON.stringify(stats)) return;
    stats = now;
    window.setTimeout(function () {
      lrwatch.grid.withGrid(function (api) {
        api.redrawRows({ rowNodes: heads });
      });
    }, 0);
  };
  functions.lrwatchIsGroup = function (params) {
    return Boolean(params.rowNode.data && params.rowNode.data.isGroup);
  };
  functions.lrwatchRowHeight = function (params) {
    var isNarrow = lrwatch.grid.isNarrow();
    if (params.data && params.data.isGroup) return isNarrow ? 62 : 40;
    return isNarrow ? 78 : 48;
  };

  cells.GroupRow = function (props) {
    var row = props.data;
    var said = stats[row.key] || { n: 0, marks: {} };
    var marks = ["cross", "up", "down", "ring", "disc"].filter(function (mark) {
      return said.marks[mark];
    });
    var parts = [
      element("strong", { key: "of" }, row.by + " ", element("span", { className: "group-value" }, row.of)),
      element("span", { key: "n", className: "quiet" }, said.n + (said.n === 1 ? " run" : " runs")),
      element(
        "span",
        { key: "marks", className: "group-marks" },
        marks.map(function (mark) {
          return element(
            "span",
            { key: mark, className: "verdict-" + mark, title: said.marks[mark] + " " + mark },
            element("span", { className: "mark mark-" + mark, "aria-hidden": true }),
            said.marks[mark]
          );
        })
      ),
    ];
    if (said.best) {
      parts.push(element("span", { key: "best" }, element("span", { className: "quiet" }, "best loss "), said.best));
      parts.push(element("span", { key: "mid" }, element("span", { className: "quiet" }, "median "), said.middle));
    }
    return element("div", { className: "group-row", role: "gridcell" }, parts);
  };

  functions.lrwatchHasFilter = function () {
    return Boolean(wanted) || pressed().length > 0 || Boolean(found.by);
  };
  functions.lrwatchPasses = function (node) {
    var row = node.data || node.node.data;
    if (!row.isGroup) return isShown(row);
    return row.by === found.by && shownGroups().has(row.of);
  };

  /* Groups of which a run is shown; worked out once a filtering. */
  var groupsNow = null;
  function shownGroups() {
    if (groupsNow) return groupsNow;
    var names = new Set();
    lrwatch.grid.withGrid(function (api) {
      api.forEachNode(function (node) {
        if (node.data && !node.data.isGroup && isShown(node.data)) names.add(node.data.of);
      });
    }, 0);
    groupsNow = names;
    window.setTimeout(function () {
      groupsNow = null;
    }, 0);
    return names;
  }

  /* Columns: a list to choose from, and the order in which they stand. */
  function columnNames() {
    var names = {};
    known.columns.forEach(function (pair) {
      names[pair[0]] = pair[1];
    });
    known.settings.forEach(function (name) {
      names["config." + name] = name;
    });
    (known.metrics || []).forEach(function (name) {
      known.values.forEach(function (pair) {
        names[pair[0] + name] = name + ", " + pair[1];
      });
    });
    return names;
  }

  function shownColumns() {
    var cols = words().cols;
    return cols ? cols.split(",") : lrwatch.grid.usualColumns();
  }

  function setColumns(columns) {
    var usual = lrwatch.grid.usualColumns().join(",");
    var now = columns.join(",");
    lrwatch.view.set({ cols: now === usual ? "" : now });
    ask();
    fillColumns();
  }

  function fillColumns() {
    var form = document.getElementById("columns-form");
    if (!form) return;
    var names = columnNames();
    var shown = shownColumns().filter(function (name) {
      return names[name];
    });
    var rest = Object.keys(names).filter(function (name) {
      return shown.indexOf(name) < 0;
    });
    form.replaceChildren();
    shown.concat(rest).forEach(function (name, place) {
      form.appendChild(columnLine(name, names[name], shown, place));
    });
    var reset = document.createElement("button");
    reset.className = "action";
    reset.textContent = "Usual columns";
    reset.onclick = function () {
      setColumns(lrwatch.grid.usualColumns());
    };
    form.appendChild(reset);
  }

  function columnLine(name, text, shown, place) {
    var line = document.createElement("div");
    line.className = "column-line";
    var label = document.createElement("label");
    var box = document.createElement("input");
    box.type = "checkbox";
    box.checked = shown.indexOf(name) >= 0;
    box.disabled = name === "name";
    box.onchange = function () {
      var now = shown.filter(function (other) {
        return other !== name;
      });
      setColumns(box.checked ? now.concat([name]) : now);
    };
    label.append(box, " ", text);
    if (name.indexOf("config.") === 0) {
      var kind = document.createElement("span");
      kind.className = "quiet";
      kind.textContent = " setting";
      label.append(kind);
    }
    line.append(label);
    if (box.checked && place > 0) {
      var earlier = document.createElement("button");
      earlier.className = "tool";
      earlier.textContent = "↑";
      earlier.setAttribute("aria-label", "Move " + text + " before " + columnNames()[shown[place - 1]]);
      earlier.onclick = function () {
        var now = shown.slice();
        now.splice(place - 1, 0, now.splice(place, 1)[0]);
        setColumns(now);
      };
      line.append(earlier);
    }
    return line;
  }

  functions.lrwatchMoved = function (event) {
    if (!event.finished || event.source !== "uiColumnMoved") return;
    var now = event.api.getAllDisplayedColumns().map(function (column) {
      return column.getColId();
    });
    setColumns(now.filter(function (name) {
      return columnNames()[name];
    }));
  };

  /* Parts of a page are drawn as their scripts are loaded, after what it holds is there. */
  function whenDrawn(act, patience) {
    if (document.getElementById("group-by") && document.getElementById("filter")) {
      act();
    } else if (!document.getElementById("overview-first")) {
      return;
    } else if (patience !== 0) {
      window.setTimeout(function () {
        whenDrawn(act, (patience || 100) - 1);
      }, 50);
    }
  }

  function fillGroups() {
    var select = document.getElementById("group-by");
    if (!select) return;
    var now = words().group || "";
    var names = [""].concat(known.groups);
    if (names.indexOf(now) < 0) names.push(now);
    select.replaceChildren();
    names.forEach(function (name) {
      var option = document.createElement("option");
      option.value = name;
      option.textContent = name ? "By " + name : "No groups";
      select.appendChild(option);
    });
    select.value = now;
  }

  lrwatch.find = {
    /* What the page came with; later answers come by callbacks. */
    arrived: function () {
      whenDrawn(function () {
        var first = document.getElementById("overview-first");
        if (!first) return;
        lrwatch.find.known(JSON.parse(first.dataset.known));
        lrwatch.find.found(JSON.parse(first.dataset.found));
      });
    },
    filterChanged: filterChanged,
    refresh: refresh,
    found: function (now) {
      if (!now) return;
      found = now;
      stats = {};
      wanted = now.keys ? new Set(now.keys) : null;
      groupsNow = null;
      var note = document.getElementById("filter-note");
      if (note) note.textContent = now.note || "";
      lrwatch.grid.withGrid(function (api) {
        placeGroups(api);
        api.onFilterChanged();
        api.refreshClientSideRowModel("sort");
        showCount(api);
      });
    },
    known: function (now) {
      if (!now) return;
      known = now;
      whenDrawn(function () {
        fillGroups();
        complete();
      });
    },
    rowsChanged: function (api) {
      placeGroups(api);
      showCount(api);
    },
  };

  document.addEventListener("input", function (event) {
    if (event.target.id === "filter") filterChanged();
  });
  document.addEventListener("change", function (event) {
    if (event.target.id !== "group-by") return;
    lrwatch.view.set({ group: event.target.value });
    ask();
  });
  document.addEventListener("click", function (event) {
    if (event.target.id !== "columns-button") return;
    fillColumns();
    document.getElementById("columns-dialog").showModal();
  });
})();
