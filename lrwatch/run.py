"""A run being recorded: what each step's numbers become in the run's folder."""

from __future__ import annotations

import atexit
import logging
import sys
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias, cast

import torch

from lrwatch.alert import TrainingStopped
from lrwatch.capture import Recorder, Sampling, StepValues
from lrwatch.records import FLOAT_COLUMNS, NULL, STEP_COLUMNS
from lrwatch.store.journal import SKIPPED
from lrwatch.store.late_writer import LateWriter
from lrwatch.store.silent_writer import SilentWriter
from lrwatch.store.writer import Row, RunWriter

__all__ = ["Run"]

logger = logging.getLogger("lrwatch")

_GROUP_COLUMNS = {
    "lr": "group_lr",
    "grad_norm": "group_grad_norm",
    "param_norm": "group_param_norm",
    "update_norm": "group_update_norm",
}
_NAME_SIGNS = 200
_PATIENCE = 2.0  # seconds that the end of a run may wait for its last alerts

_INTERRUPTIONS = (KeyboardInterrupt, TrainingStopped)

Ending: TypeAlias = Callable[[str, float], None]


class Run:
    """A run being recorded, as `watch` returns it.

    Usable as a context manager; otherwise `finish`, the end of the interpreter or the end of
    the optimizer's life ends it.

    Attributes
    ----------
    path
        Folder of the run.
    id
        Identity that survives a rename of the folder.
    name
        Name of the run, which is its folder's.
    """

    def __init__(self, writer: RunWriter | SilentWriter | LateWriter, *, first_step: int) -> None:
        self.path: Path = writer.folder
        self.id: str = writer.info.id
        self.name: str = writer.info.name
        self._writer = writer
        self._step = first_step
        self._recorder: Recorder | None = None
        self._place: dict[str, int] = {}  # columns beyond the usual ones: where they stand
        self._group_places: list[list[int]] = []  # of each kind of column, by group
        self._groups: tuple[str, ...] = ()
        self._refused: set[str] = set()  # names that were warned about
        self._has_told_of_end = False
        # A run that nobody holds any more ends when it is collected; `end_open_runs` is for
        # the end of the program, when numbers may still be on their way from a device.
        self._endings: list[Ending] = []  # none of them may keep the run alive
        self._close = weakref.finalize(self, _close, writer, self._endings, "finished", 0.0)
        self._close.atexit = False
        _open_runs.add(self)

    def attach(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        model: torch.nn.Module | None,
        sampling: Sampling,
        capture_loss: bool,
    ) -> None:
        """Begin to record the steps of an optimizer; `watch` does it."""
        self._recorder = Recorder(
            optimizer,
            hand_on=self._on_step,
            on_give_up=self._on_give_up,
            sampling=sampling,
            model=model,
            capture_loss=capture_loss,
        )

    def __repr__(self) -> str:
        return f"<lrwatch run {self.name!r} in {self.path}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None or issubclass(kind, SystemExit):
            self.finish()
        else:
            self.end("interrupted" if issubclass(kind, _INTERRUPTIONS) else "failed")

    def log(self, **values: float | torch.Tensor) -> None:
        """Attach numbers to the current step.

        That is the step just made or, once `backward` has run again, the one about to be
        made. ``loss`` replaces the loss that was found automatically. What cannot be recorded, a
        text for instance, is left out with one warning.

        Parameters
        ----------
        values
            Numbers, or tensors with one element, by name.
        """
        recorder = self._recorder
        if recorder is None:
            self._say_that_it_has_ended()
            return
        if recorder.is_captured():
            return
        numbers = {}
        for name, value in values.items():
            number = self._number(name, value)
            if number is not None:
                numbers[name] = number
        if not numbers:
            return
        with recorder.lock:  # or another step might be written in between
            if not recorder.log(numbers, loss=values.get("loss")):
                self._amend({name: float(number) for name, number in numbers.items()})

    def finish(self) -> None:
        """End the run: nothing more is recorded, and its rows become one Parquet file."""
        self.end("finished")

    @property
    def is_recording(self) -> bool:
        """Whether it has not ended."""
        return self._recorder is not None

    @property
    def is_in_step(self) -> bool:
        """Whether a step of the optimizer is under way."""
        return self._recorder is not None and self._recorder.is_in_step

    @property
    def next_step(self) -> int:
        """Number of the step that is written next; on a device, a few are still to come."""
        return self._step

    def at_end(self, ending: Ending) -> None:
        """Have `ending` called when the run has ended and its rows are written.

        Its arguments are the status, and the number of seconds that it may wait for something:
        none where the garbage collector ends the run.
        """
        self._endings.append(ending)

    def log_ahead(self, **values: float) -> None:
        """Attach numbers to the step that is about to be made."""
        if self._recorder is not None:
            self._recorder.log_ahead(values)

    # -- called by the recorder, on the training thread ---------------------------------------

    def _on_step(self, step: StepValues) -> None:
        # All numbers are on the host by now.
        row = cast(
            "list[float]",
            [
                step.loss,
                step.lr,
                step.grad_norm,
                step.grad_norm_clipped,
                step.param_norm,
                step.update_norm,
            ],
        )
        if step.group_lr or step.logged or self._place:
            row = self._with_more(row, step)
        flags = SKIPPED if step.skipped else 0
        self._writer.append(Row(flags, self._step, step.time, row))
        self._step += 1

    def _on_give_up(self, _error: Exception) -> None:
        self._recorder = None
        self.end("failed")

    # -- columns beyond the usual ones --------------------------------------------------------

    def _with_more(self, row: list[float], step: StepValues) -> list[float]:
        """Return the row with columns by group, and those that were logged."""
        if step.group_lr:
            self._find_group_places()
        logged = cast("dict[str, float]", dict(step.logged))
        row[0] = logged.pop("loss", row[0])
        self._add_columns(logged)
        row += [NULL] * (len(self._writer.columns) - len(row))
        for places, kind in zip(self._group_places, _GROUP_COLUMNS.values(), strict=False):
            for place, value in zip(places, getattr(step, kind), strict=False):
                row[place] = value
        for name, value in logged.items():
            if name in self._place:
                row[self._place[name]] = value
        return row

    def _find_group_places(self) -> None:
        names = self._recorder.groups.names if self._recorder else ()
        if names == self._groups and self._group_places:
            return
        columns = [[f"{kind}/{name}" for name in names] for kind in _GROUP_COLUMNS]
        self._add_columns(column for kind in columns for column in kind)
        self._group_places = [[self._place[column] for column in kind] for kind in columns]
        self._groups = names

    def _add_columns(self, names: Iterable[str]) -> None:
        new = [name for name in names if name not in self._place]
        if new:
            self._writer.widen(new)
            self._place = {
                name: i for i, name in enumerate(self._writer.columns) if i >= len(FLOAT_COLUMNS)
            }

    def _amend(self, numbers: dict[str, float]) -> None:
        self._add_columns(name for name in numbers if name != "loss")
        values = self._writer.last_values()
        if values is None:
            return
        for name, number in numbers.items():
            place = 0 if name == "loss" else self._place.get(name)
            if place is not None:
                values[place] = number
        self._writer.amend(values)

    def _say_that_it_has_ended(self) -> None:
        if not self._has_told_of_end:
            self._has_told_of_end = True
            logger.warning("run %s has ended: what is logged now is not recorded", self.name)

    def _number(self, name: str, value: object) -> float | torch.Tensor | None:
        problem = ""
        if (name in STEP_COLUMNS and name != "loss") or name.partition("/")[0] in _GROUP_COLUMNS:
            problem = "lrwatch records that itself"
        elif not name.isprintable() or not 0 < len(name) <= _NAME_SIGNS:
            problem = f"a name must be 1 to {_NAME_SIGNS} printable characters"
        else:
            try:
                return _on_host_or_device(value)
            except Exception:  # noqa: BLE001  whatever the value's own code raises
                problem = f"a number or a tensor with one element is needed, got {_shown(value)}"
        if name not in self._refused:
            self._refused.add(name)
            logger.warning("log(%s=...) is left out: %s", name, problem)
        return None

    def end(self, status: str) -> None:
        """End the run with a status of `RunInfo`; one that has ended stays as it is."""
        _open_runs.discard(self)
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.detach()
        if self._close.detach() is not None:
            _close(self._writer, self._endings, status, _PATIENCE)


def end_open_runs() -> None:
    """End every run at the end of the program: failed if an exception is what ended it."""
    error = getattr(sys, "last_value", None)
    status = "finished" if error is None else "failed"
    for run in list(_open_runs):
        run.end("interrupted" if isinstance(error, _INTERRUPTIONS) else status)
    for callback in _callbacks:
        callback()


def at_exit(callback: Callable[[], object]) -> None:
    """Have `callback` called at the end of the program, when every run has ended."""
    _callbacks.append(callback)


def _close(
    writer: RunWriter | SilentWriter | LateWriter,
    endings: Sequence[Ending],
    status: str,
    patience: float,
) -> None:
    writer.close(status)
    for ending in endings:
        try:
            ending(status, patience)
        except Exception:  # the end of a run is no reason to end a training
            logger.exception("the end of run %s was not reported", writer.folder)


_callbacks: list[Callable[[], object]] = []
_open_runs: weakref.WeakSet[Run] = weakref.WeakSet()
atexit.register(end_open_runs)


def _shown(value: object) -> str:
    try:
        return f"{value!r:.60}"
    except Exception:  # noqa: BLE001  as a number too long to be written
        return f"a {type(value).__name__}"


def _on_host_or_device(value: object) -> float | torch.Tensor:
    """Return a number; one on a device stays there, as reading it would wait for the device."""
    if not isinstance(value, torch.Tensor):
        return float(value)  # type: ignore[arg-type]
    if value.device.type in ("cpu", "meta") or value.numel() != 1:
        return float(value.item())
    return value.detach().clone()
