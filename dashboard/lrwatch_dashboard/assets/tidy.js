/* What can be done with the runs that are selected: names, tags, notes, pins, archive, delete. */
(function () {
  "use strict";

  var lrwatch = (window.lrwatch = window.lrwatch || /** @type {Lrwatch} */ ({}));

  function ask(request) {
    // The time makes two equal requests two.
    var data = Object.assign({ at: Date.now() }, request);
    window.dash_clientside.set_props("overview-asked", { data: data });
  }

  function keys(rows) {
    return rows.map(function (row) {
      return row.key;
    });
  }

  function every(rows, name) {
    return rows.length > 0 && rows.every(function (row) {
      return row[name];
    });
  }

  /* The buttons say what they will do with these runs. */
  function show(rows) {
    var place = document.getElementById("selected-actions");
    if (!place || !document.getElementById("edit-button")) return;
    place.hidden = !rows.length;
    document.getElementById("pin-button").textContent = every(rows, "pinned") ? "Unpin" : "Pin";
    var archive = document.getElementById("archive-button");
    archive.textContent = every(rows, "archived") ? "Unarchive" : "Archive";
  }

  function field(name, text, value, hint) {
    var label = document.createElement("label");
    label.className = "field";
    var said = document.createElement("span");
    said.textContent = text;
    var input = document.createElement(name === "note" ? "textarea" : "input");
    input.name = name;
    input.value = value;
    input.placeholder = hint;
    input.className = "text-input";
    input.autocomplete = "off";
    label.append(said, input);
    return label;
  }

  function edit() {
    var rows = lrwatch.grid.selectedRows();
    var form = document.getElementById("labels-form");
    if (!rows.length || !form) return;
    var one = rows.length === 1 ? rows[0] : null;
    document.getElementById("labels-title").textContent = one ? one.name : "Edit " + rows.length + " runs";
    form.replaceChildren();
    if (one) {
      form.append(
        field("name", "Name", one.name, "as it was made"),
        field("tags", "Tags", one.tags.join(" "), "keep baseline"),
        field("note", "Note", one.note, "Markdown; shown on the run's page")
      );
    } else {
      form.append(field("add", "Add tags", "", "keep"), field("drop", "Remove tags", "", "old"));
    }
    var save = document.createElement("button");
    save.className = "action primary";
    save.id = "labels-save";
    save.textContent = "Save";
    save.onclick = function () {
      ask(Object.assign({ do: "label", runs: keys(rows) }, filled(form, one)));
      document.getElementById("labels-dialog").close();
    };
    form.append(save);
    document.getElementById("labels-dialog").showModal();
    form.querySelector("input").focus();
  }

  function filled(form, one) {
    var given = {};
    form.querySelectorAll("input, textarea").forEach(function (input) {
      given[input.name] = input.value;
    });
    if (!one) return given;
    var tags = given.tags.split(/[\s,]+/).filter(Boolean);
    var gone = one.tags.filter(function (tag) {
      return tags.indexOf(tag) < 0;
    });
    var changes = { add: tags.join(" "), drop: gone.join(" "), note: given.note };
    if (given.name !== one.name) changes.name = given.name;
    return changes;
  }

  var does = {
    "edit-button": edit,
    "pin-button": function (rows) {
      ask({ do: every(rows, "pinned") ? "unpin" : "pin", runs: keys(rows) });
    },
    "archive-button": function (rows) {
      ask({ do: every(rows, "archived") ? "unarchive" : "archive", runs: keys(rows) });
    },
    "delete-button": function (rows) {
      ask({ do: "delete", runs: keys(rows) });
    },
  };

  document.addEventListener("click", function (event) {
    var act = does[event.target.id];
    if (act) act(lrwatch.grid.selectedRows());
    if (event.target.dataset.undo) {
      ask(JSON.parse(event.target.dataset.undo));
      event.target.hidden = true;
    }
    var closes = event.target.dataset.close;
    if (/-dialog$/.test(closes || "")) document.getElementById(closes).close();
    if (/-dialog$/.test(event.target.id) && event.target.open) event.target.close();
  });

  lrwatch.tidy = { edit: edit, show: show };
})();
