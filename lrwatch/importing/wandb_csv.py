"""Importer of the CSV that the charts of Weights & Biases export: a column a run and metric."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from lrwatch.errors import RunUnreadable
from lrwatch.importing.cells import RawTable, typed
from lrwatch.importing.foreign_run import Choice, ForeignRun
from lrwatch.importing.raw_tables import csv_names, csv_table
from lrwatch.importing.source import decoded, is_text, text_of

__all__ = ["WandbChart"]

_COLUMN: Final = re.compile(r"(.+) - (.+?)(__MIN|__MAX)?")
_AXES: Final = frozenset({"Step", "_step", "Relative Time (Process)", "Relative Time (Wall)"})


class WandbChart:
    """Reads columns such as ``NAME - train/loss``; those of the least and greatest are left out."""

    name, title = "wandb-chart", "wandb chart export"

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a file is of this kind."""
        names = csv_names(decoded(head)) if is_text(head) else []
        is_chart = bool(names) and (names[0] in _AXES or names[0].endswith("global_step"))
        return 0.95 if is_chart and all(map(_COLUMN.fullmatch, names[1:])) else 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the runs of a file; raises `RunUnreadable`."""
        raw = csv_table(path, text_of(path))
        axis = next(iter(raw.columns), "")
        runs: dict[str, dict[str, str]] = {}
        for name in raw.columns:
            match = _COLUMN.fullmatch(name)
            if match is not None and match[3] is None and match[2] != "_step":
                runs.setdefault(match[1], {})[match[2]] = name
        if not runs or not raw.lines:
            raise RunUnreadable(f"{path.name} has no column of a run, such as 'NAME - loss'")
        return [self._run(path, raw, axis, run, metrics) for run, metrics in runs.items()]

    def _run(
        self, path: Path, raw: RawTable, axis: str, run: str, metrics: dict[str, str]
    ) -> ForeignRun:
        columns = {"step": raw.columns[axis]} | {m: raw.columns[c] for m, c in metrics.items()}
        logged = [
            i for i in range(len(raw.lines)) if any((columns[m][i] or "").strip() for m in metrics)
        ]
        kept = {name: [cells[i] for i in logged] for name, cells in columns.items()}
        own = RawTable(path, kept, [raw.lines[i] for i in logged], list(raw.troubles))
        table = typed(own)
        return ForeignRun(
            run, table, self.title, key=run, columns={"step": "step"}, troubles=tuple(own.troubles)
        )
