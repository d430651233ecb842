/* The cells and keys of the table of runs. Texts go in as text, never as markup. */
(function () {
  "use strict";

  var NARROW = "(max-width: 799px)";
  var WIDE_COLUMNS = ["rank", "name", "spark", "why", "lr", "best", "steps", "updated"];
  var DROPPED = { "(max-width: 1299px)": "steps", "(max-width: 1099px)": "best" };
  var SPARK_WIDTH = 78;
  var SPARK_HEIGHT = 26;
  var TAIL = 18; // characters of a name that are always shown

  var cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || /** @type {any} */ ({}));
  var functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || /** @type {any} */ ({}));
  var lrwatch = (window.lrwatch = window.lrwatch || /** @type {Lrwatch} */ ({}));

  function element() {
    return window.React.createElement.apply(null, arguments);
  }

  function mark(row) {
    return element("span", { className: "mark mark-" + row.mark, "aria-hidden": true });
  }

  function verdict(row) {
    return element("span", { className: "verdict verdict-" + row.mark }, mark(row), row.word);
  }

  /* A name gives way in its middle, since what tells runs apart stands at both ends. */
  function runLink(row) {
    var cut = Math.max(row.name.length - TAIL, 0);
    return element(
      "a",
      { href: row.href, className: "run-link cut", tabIndex: -1 },
      element("span", { className: "cut-head" }, row.name.slice(0, cut)),
      element("span", { className: "cut-tail" }, row.name.slice(cut))
    );
  }

  function labels(row) {
    var said = row.tags.map(function (tag) {
      return element("span", { key: "tag " + tag, className: "tag" }, tag);
    });
    if (row.archived) said.push(element("span", { key: "archived", className: "tag" }, "archived"));
    if (row.note) {
      said.push(element("span", { key: "note", className: "note-mark", title: row.note }, "note"));
    }
    return said.length ? element("span", { className: "labels" }, said) : null;
  }

  /* "50 ms", "3 s", "2.5 h": what lrwatch.formats.duration writes, to the letter. A test in the
     browser compares them; ages must go on between two polls, so the server alone cannot write
     them. */
  function duration(seconds) {
    var s = Math.max(seconds, 0);
    if (s < 1) return whole(s * 1000) + " ms";
    if (s < 120) return whole(s) + " s";
    if (s < 7200) return whole(s / 60) + " min";
    if (s < 172800) return twoDigits(s / 3600) + " h";
    if (s < 864000) return twoDigits(s / 86400) + " days";
    return whole(s / 86400) + " days";
  }

  /* Python takes the even one of two neighbours that are equally near, JavaScript the greater. */
  function whole(x) {
    return (x % 2 === 0.5 ? x - 0.5 : x).toFixed(0);
  }

  function twoDigits(x) {
    if (x >= 10) return whole(x);
    return String(Number((x % 1 === 0.25 ? x - 0.05 : x).toPrecision(2)));
  }

  function age(row) {
    var now = Date.now() / 1000 + (lrwatch.clockAhead || 0);
    return row.updated ? duration(Math.max(now - row.updated, 1)) : "–";
  }

  /* The curve as a polyline; a gap in the data is a gap in the line. */
  function sparkPath(heights) {
    var step = SPARK_WIDTH / Math.max(heights.length - 1, 1);
    var path = "";
    var drawing = false;
    heights.forEach(function (height, i) {
      if (height === null) {
        drawing = false;
        return;
      }
      var y = SPARK_HEIGHT - (height / 99) * SPARK_HEIGHT;
      path += (drawing ? "L" : "M") + (i * step).toFixed(1) + " " + y.toFixed(1);
      drawing = true;
    });
    return path;
  }

  function spark(row) {
    var heights = row.spark || [];
    if (heights.length < 2 && !row.broken) return element("span", { className: "quiet" }, "–");
    var children = [element("path", { key: "line", d: sparkPath(heights) })];
    if (row.broken) {
      var x = SPARK_WIDTH + 5;
      var d = "M" + (x - 3) + " 0l6 6m0 -6l-6 6";
      children.push(element("path", { key: "cross", d: d, className: "spark-broken" }));
    }
    var size = { width: SPARK_WIDTH + 12, height: SPARK_HEIGHT + 4, className: "spark" };
    var box = "-2 -2 " + (SPARK_WIDTH + 12) + " " + (SPARK_HEIGHT + 4);
    return element("svg", Object.assign(size, { viewBox: box, "aria-hidden": true }), children);
  }

  cells.VerdictCell = function (props) {
    return verdict(props.data);
  };
  cells.RunCell = function (props) {
    var row = props.data;
    return element(
      "span",
      { className: "run-cell", title: row.name },
      element(
        "span",
        { className: "run-name" },
        row.pinned ? element("span", { className: "pin", title: "pinned" }, "★") : null,
        runLink(row),
        element("span", { className: "dot dot-" + row.state, title: row.state })
      ),
      labels(row)
    );
  };
  cells.SparkCell = function (props) {
    return spark(props.data);
  };
  cells.WhyCell = function (props) {
    return element("span", { className: "why", title: props.data.why }, props.data.why);
  };
  cells.LrCell = function (props) {
    var row = props.data;
    if (!row.try_text) return row.lr_text;
    return element(
      "span",
      { title: "Peak " + row.lr_text + "; try " + row.try_text },
      row.lr_text,
      element("span", { className: "quiet" }, " → "),
      element("b", null, row.try_text)
    );
  };
  cells.SettingCell = function (props) {
    var text = props.value === undefined ? "–" : String(props.value);
    return element("span", { className: "setting", title: text }, text);
  };
  cells.MetricCell = function (props) {
    return typeof props.value === "number" ? String(Number(props.value.toPrecision(4))) : "–";
  };
  cells.TextCell = function (props) {
    return element("span", { className: "why", title: props.value }, props.value || "–");
  };
  cells.BestCell = function (props) {
    return props.data.best_text;
  };
  cells.StepsCell = function (props) {
    return props.data.steps_text;
  };
  cells.AgeCell = function (props) {
    var row = props.data;
    if (["silent", "failed", "interrupted"].indexOf(row.state) < 0) return age(row);
    return element(
      "span",
      { className: "age" },
      age(row),
      element("span", { className: "age-" + row.state }, row.state)
    );
  };
  cells.RunCard = function (props) {
    var row = props.data;
    return element(
      "div",
      { className: "run-card" },
      element("div", { className: "run-card-head" }, verdict(row), runLink(row), labels(row)),
      element("div", { className: "why" }, row.why)
    );
  };

  functions.lrwatchOpenRow = function (event) {
    var target = event.event && event.event.target;
    var chosen = window.getSelection && String(window.getSelection());
    if (target && target.closest && target.closest("a, input, .ag-selection-checkbox")) return;
    if (event.data && event.data.href && !chosen) lrwatch.open(event.data.href);
  };
  functions.lrwatchKeyInRow = function (event) {
    if (event.event && event.event.key === "Enter" && event.data && event.data.href) lrwatch.open(event.data.href);
  };
  functions.lrwatchTheme = function (theme) {
    return theme.withParams({
      fontFamily: "inherit",
      fontSize: 13,
      spacing: 6,
      cellHorizontalPadding: 12,
      wrapperBorder: false,
      wrapperBorderRadius: 0,
      headerFontWeight: 500,
      headerFontSize: 12,
      backgroundColor: "var(--ground)",
      foregroundColor: "var(--ink)",
      headerBackgroundColor: "var(--ground)",
      headerTextColor: "var(--muted)",
      borderColor: "var(--line)",
      rowBorder: { style: "solid", width: 1, color: "var(--line)" },
      headerColumnBorder: false,
      columnBorder: false,
      headerColumnResizeHandleColor: "transparent",
      oddRowBackgroundColor: "var(--ground)",
      rowHoverColor: "var(--hover)",
      selectedRowBackgroundColor: "var(--hover)",
      accentColor: "var(--accent)",
      rangeSelectionBorderColor: "transparent",
    });
  };

  /* Act on the grid, now or as soon as it is drawn; not at all if the page has none. */
  function withGrid(act, patience) {
    if (!document.getElementById("table")) return;
    var api = null;
    try {
      api = window.dash_ag_grid.getApi("runs");
    } catch (error) {
      api = null;
    }
    if (api && !api.isDestroyed()) {
      act(api);
    } else if (patience !== 0) {
      window.setTimeout(function () {
        withGrid(act, (patience || 100) - 1);
      }, 50);
    }
  }

  /* The column that is sorted by, "-" before it for the greatest first; empty for triage order. */
  var sort = "";

  functions.lrwatchSorted = function (event) {
    if (event.source === "api") return;
    var column = event.api.getColumnState().filter(function (state) {
      return state.sort;
    })[0];
    var usual = !column || (column.colId === "rank" && column.sort === "asc");
    sort = usual ? "" : (column.sort === "desc" ? "-" : "") + column.colId;
    lrwatch.view.set({ sort: sort });
  };

  function restoreSort() {
    if (!document.getElementById("table")) return;
    sort = new URLSearchParams(window.location.search).get("sort") || "";
    var name = sort.replace(/^-/, "");
    if (!sort) return;
    withGrid(function (api) {
      if (!api.getColumn(name) || name === "card") return;
      var state = [{ colId: name, sort: sort[0] === "-" ? "desc" : "asc" }];
      api.applyColumnState({ state: state, defaultState: { sort: null } });
    });
  }

  /* What the table shows, as it is filtered and sorted; a cell that begins like a formula is text. */
  function exportCsv() {
    withGrid(function (api) {
      api.exportDataAsCsv({
        fileName: "lrwatch-runs.csv",
        columnKeys: wideColumns(api).filter(function (name) {
          return name !== "spark";
        }),
        shouldRowBeSkipped: function (row) {
          return Boolean(row.node.data.isGroup);
        },
        processCellCallback: function (cell) {
          var id = cell.column.getColId();
          if (id === "rank") return cell.node.data.word;
          if (id === "updated") return new Date(1000 * cell.value).toISOString();
          return /^[=+\-@\t\r]/.test(cell.value) && isNaN(cell.value) ? "'" + cell.value : cell.value;
        },
      });
    });
  }

  /* Say which runs have just gone wrong to those who do not see it. */
  function announce(api, rows) {
    var news = rows.filter(function (row) {
      var node = api.getRowNode(row.key);
      var isBad = ["cross", "up", "down"].indexOf(row.mark) >= 0;
      return isBad && node && node.data.mark !== row.mark;
    });
    var place = document.getElementById("news");
    if (!news.length || !place) return;
    place.textContent = news
      .slice(0, 3)
      .map(function (row) {
        return row.name + ": " + row.word + ".";
      })
      .concat(news.length > 3 ? ["And " + (news.length - 3) + " more."] : [])
      .join(" ");
  }

  function isNarrow() {
    return window.matchMedia(NARROW).matches;
  }

  /* The columns of the table, in their order, but for the one of a narrow window. */
  function wideColumns(api) {
    return api
      .getAllGridColumns()
      .map(function (column) {
        return column.getColId();
      })
      .filter(function (name) {
        return name !== "card" && !/^ag-Grid/.test(name);
      });
  }

  function fitWidth() {
    var narrow = isNarrow();
    var isChosen = Boolean(lrwatch.view.words().cols);
    withGrid(function (api) {
      var hidden = Object.keys(DROPPED)
        .filter(function (width) {
          return window.matchMedia(width).matches;
        })
        .map(function (width) {
          return DROPPED[width];
        });
      var all = wideColumns(api);
      // Columns that somebody chose stay; the table is then pushed sideways.
      var shown = all.filter(function (name) {
        return !narrow && (isChosen || hidden.indexOf(name) < 0);
      });
      var gone = all.filter(function (name) {
        return shown.indexOf(name) < 0;
      });
      api.setColumnsVisible(gone, false);
      api.setColumnsVisible(shown, true);
      api.setColumnsVisible(["card"], narrow);
      api.resetRowHeights();
    });
  }

  function moveRow(by) {
    withGrid(function (api) {
      var cell = api.getFocusedCell();
      var last = api.getDisplayedRowCount() - 1;
      if (last < 0) return;
      var row = cell ? Math.min(Math.max(cell.rowIndex + by, 0), last) : 0;
      api.ensureIndexVisible(row);
      api.setFocusedCell(row, api.getAllDisplayedColumns()[0]);
    });
  }

  /* Rows that are new or changed, and keys of those that are gone; scroll and focus stay. */
  function applyRows(change) {
    withGrid(function (api) {
      if (change.whole) {
        api.setGridOption("rowData", change.rows);
        lrwatch.find.rowsChanged(api);
        fitWidth();
        restoreSelection();
        return;
      }
      announce(api, change.rows);
      var known = function (row) {
        return Boolean(api.getRowNode(row.key));
      };
      var done = api.applyTransaction({
        update: change.rows.filter(known),
        add: change.rows.filter(function (row) {
          return !known(row);
        }),
        remove: change.removed.map(function (key) {
          return { key: key };
        }).filter(known),
      });
      // The grid draws a cell anew if its value is another one; most show more of their row.
      api.refreshCells({ rowNodes: done.update, force: true });
      lrwatch.find.rowsChanged(api);
      lrwatch.tidy.show(rowsOf(api));
    });
  }

  /* The runs selected for a comparison, in the order of selection; kept while pages change. */
  var selected = [];

  function rowsOf(api) {
    return selected
      .map(function (key) {
        var node = api.getRowNode(key);
        return node && node.data;
      })
      .filter(Boolean);
  }

  function showSelected() {
    withGrid(function (api) {
      lrwatch.tidy.show(rowsOf(api));
    });
    var button = document.getElementById("compare-button");
    if (!button) return;
    button.textContent = selected.length ? "Compare " + selected.length : "Compare";
    button.disabled = selected.length < 1;
  }

  functions.lrwatchSelected = function (event) {
    if (!/^(ui|checkbox|space|keyboard|rowClicked)/.test(event.source)) {
      // Not the reader: a new table starts out with nothing selected.
      var isComplete = event.api.getSelectedRows().length === selected.length;
      if (!isComplete) window.setTimeout(restoreSelection, 0);
      return;
    }
    var now = event.api.getSelectedRows().map(function (row) {
      return row.key;
    });
    selected = selected
      .filter(function (key) {
        return now.indexOf(key) >= 0;
      })
      .concat(
        now.filter(function (key) {
          return selected.indexOf(key) < 0;
        })
      );
    showSelected();
  };

  function restoreSelection() {
    withGrid(function (api) {
      selected = selected.filter(function (key) {
        var node = api.getRowNode(key);
        if (node) node.setSelected(true, false, "api");
        return Boolean(node);
      });
      showSelected();
    });
  }

  function toggleRow() {
    withGrid(function (api) {
      var cell = api.getFocusedCell();
      var node = cell && api.getDisplayedRowAtIndex(cell.rowIndex);
      if (node && !node.data.isGroup) node.setSelected(!node.isSelected(), false, "uiSelectAll");
    });
  }

  /* Commas stand between runs, so those within a key are written out; slashes read better plain. */
  function compare() {
    if (!selected.length) return;
    var runs = selected.map(function (key) {
      return encodeURIComponent(key).replace(/%2F/g, "/");
    });
    lrwatch.open("/compare?runs=" + runs.join(","));
  }

  lrwatch.grid = {
    duration: duration,
    compare: compare,
    restoreSelection: restoreSelection,
    restoreSort: restoreSort,
    toggleRow: toggleRow,
    applyRows: applyRows,
    fitWidth: fitWidth,
    isNarrow: isNarrow,
    selectedRows: function () {
      var rows = [];
      withGrid(function (api) {
        rows = rowsOf(api);
      }, 0);
      return rows;
    },
    usualColumns: function () {
      return WIDE_COLUMNS.slice();
    },
    withGrid: withGrid,
    moveRow: moveRow,
    refreshAges: function () {
      withGrid(function (api) {
        api.refreshCells({ columns: ["updated"], force: true });
      });
    },
  };

  document.addEventListener("click", function (event) {
    if (event.target.id === "compare-button") compare();
    if (event.target.id === "csv-button") exportCsv();
    var button = event.target.closest && event.target.closest(".mark-filter");
    if (!button) return;
    button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
    lrwatch.find.filterChanged();
  });
  [NARROW].concat(Object.keys(DROPPED)).forEach(function (width) {
    window.matchMedia(width).addEventListener("change", fitWidth);
  });
})();
