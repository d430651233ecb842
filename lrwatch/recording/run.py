"""A run being recorded: what each step's numbers become in the run's folder."""

from __future__ import annotations

import atexit
import logging
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

from lrwatch.capture.own_loop import OwnLoop
from lrwatch.capture.values import StepValues
from lrwatch.recording.end_of_run import EndOfRun, cells_of_session, end_by
from lrwatch.recording.handed_over import HandedOver
from lrwatch.recording.provenance import when_known
from lrwatch.records import FLOAT_COLUMNS, GROUP_COLUMNS, NULL
from lrwatch.side_thread import now_and_then
from lrwatch.store.creation import LateWriter, SilentWriter
from lrwatch.store.journal import SKIPPED
from lrwatch.store.writer import Row, RunWriter
from lrwatch.system import is_held_here
from lrwatch.uploading import address_of, stop_all
from lrwatch.uploading import finish as finish_upload

if TYPE_CHECKING:  # a loop of its own may have no torch
    import torch

    from lrwatch.capture.between_steps import BetweenSteps
    from lrwatch.capture.recorder import Recorder
    from lrwatch.ranks.writing import RankWriter

__all__ = ["Run", "at_exit", "end_open_runs"]

logger = logging.getLogger("lrwatch")

_GIT_PATIENCE = 0.5  # seconds that a run shorter than a look of git at its code waits for that
_PATIENCE = 2.0  # seconds that the end of a run may wait for its last alerts

Ending: TypeAlias = Callable[[str, float], None]


class Run:
    """A run being recorded, as `watch` and `open_run` return it.

    Usable as a context manager; otherwise `finish`, the end of the interpreter or the end of
    the optimizer's life, or of its own where there is none, ends it.

    Attributes
    ----------
    path
        Folder of the run.
    id
        Identity that survives a rename of the folder.
    name
        Name of the run, which is its folder's.
    between_steps
        Where actions on the training wait for it, if any may be asked for.
    """

    def __init__(self, writer: RunWriter | SilentWriter | LateWriter, *, first_step: int) -> None:
        self.path: Path = writer.folder
        self.id: str = writer.info.id
        self.name: str = writer.info.name
        self._writer = writer
        self._step = first_step
        self._recorder: Recorder | OwnLoop | None = None
        self.between_steps: BetweenSteps | None = None
        self._rank: RankWriter | None = None
        self._place: dict[str, int] = {}  # columns beyond the usual ones: where they stand
        self._group_places: list[list[int]] = []  # of each kind of column, by group
        self._groups: tuple[str, ...] = ()
        self._has_told_of_end = False
        self._end: EndOfRun | None = None  # once somebody has asked for it
        # A run that nobody holds any more ends when it is collected; `end_open_runs` is for
        # the end of the program, when numbers may still be on their way from a device.
        self._endings: list[Ending] = []  # none of them may keep the run alive
        end = EndOfRun("finished")
        self._close = weakref.finalize(self, _close, writer, self._endings, end, 0.0)
        self._close.atexit = False
        _open_runs.add(self)
        is_written = not isinstance(writer, SilentWriter)
        self._asks_git = when_known(writer.learn) if is_written else None
        if (cells := cells_of_session()) is not None:
            cells.follow(self)

    def attach(self, recorder: Callable[..., Recorder | OwnLoop]) -> None:
        """Begin to record, by what is made of it; `watch` and `open_run` do it."""
        self._recorder = recorder(hand_on=self._on_step, on_give_up=self._on_give_up)
        self._handed_over = HandedOver(is_measured=not isinstance(self._recorder, OwnLoop))

    def attach_rank(self, writer: RankWriter) -> None:
        """Also keep what this process of a job does by itself; `watch` does it."""
        self._rank = writer
        self.at_end(lambda status, _: writer.close(status))

    def __repr__(self) -> str:
        return f"<lrwatch run {self.name!r} in {self.address or self.path}>"

    @property
    def address(self) -> str | None:
        """Where the run is sent to, as ``s3://bucket/runs/sgd-0.1``; ``None`` if it stays here.

        Before the first contact with the address it is where the run will be if the name is free.
        """
        return address_of(self._writer.folder)

    def __fspath__(self) -> str:
        """Return the folder: whatever takes the path of a run takes the run itself."""
        return str(self.path)

    def _repr_html_(self) -> str:
        from lrwatch.recording.notebook import run_card

        return run_card(self.path)

    def plot(self) -> Any:
        """Draw loss, learning rate and gradient norm so far.

        Returns
        -------
        plotly.graph_objects.Figure

        Raises
        ------
        MissingExtra
            If plotly is not installed.
        RunNotFound, RunUnreadable
            If nothing is recorded yet, or it cannot be read.
        """
        from lrwatch.recording.notebook import run_figure

        return run_figure(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        end = end_by(error)
        self.end(end.status, end.error)

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
        if is_held_here(recorder.lock):
            recorder.when_free(partial(self.log, **values))
            return
        numbers = self._handed_over.own("log", values)
        if not numbers:
            return
        with recorder.lock:  # or another step might be written in between
            if not recorder.log(numbers, loss=values.get("loss")):
                # One on a device is waited for: its step has been written.
                read = cast("dict[str, float]", numbers)
                self._amend({name: float(number) for name, number in read.items()})
        recorder.go_on()

    def mark(self, event: str = "checkpoint") -> None:
        """Say that something happened at the current step, which is the one that `log` means.

        The dashboard marks it on the x axis; the column ``event/NAME`` has a 1 there.

        Parameters
        ----------
        event
            What happened, in a word or two.
        """
        self.log(**{f"event/{event}": 1.0})

    def record(  # noqa: PLR0913  a row's columns, keyword-only
        self,
        *,
        loss: Any = None,
        lr: Any = None,
        grad_norm: Any = None,
        grad_norm_clipped: Any = None,
        update_norm: Any = None,
        param_norm: Any = None,
        skipped: Any = False,
        step: Any = None,
        **own: Any,
    ) -> None:
        """Record a step that was just made: one row a call.

        For loops without an optimizer of torch, and for steps that call no hooks, as replays of a
        CUDA graph. What cannot be recorded, a text for instance, is missing, with one warning;
        NaN is a value.

        Parameters
        ----------
        loss
            The objective whose gradient the step used. Like the others a number, or anything
            with one element: of numpy, JAX, torch, TensorFlow, MLX; ``None`` where unknown.
        lr
            Learning rate that the step used.
        grad_norm, grad_norm_clipped
            L2 norm of all gradients together, before clipping and after.
        update_norm
            L2 norm of the change that the step made to the parameters.
        param_norm
            L2 norm of the parameters after the step.
        skipped
            Whether the step was not made, for an overflow say.
        step
            Number of the step; by default the one after the last, from 0 on. After one that
            is not greater than an earlier one, rows from that on no longer count.
        **own
            Columns of your own, as for `log`; ``"val/loss"`` is a name, too.

        Raises
        ------
        TrainingStopped
            If `StopTraining` was asked for, and an alert fired since the last step.
        """
        recorder = self._recorder
        if recorder is None:
            self._say_that_it_has_ended()
            return
        if recorder.is_captured():
            return
        measured = {
            "loss": loss,
            "lr": lr,
            "grad_norm": grad_norm,
            "grad_norm_clipped": grad_norm_clipped,
            "param_norm": param_norm,
            "update_norm": update_norm,
            "skipped": 0.0 if skipped is False else skipped,
        }
        values, is_on_host = self._handed_over.row(measured, step=step, own=own)
        if is_held_here(recorder.lock):
            recorder.when_free(partial(recorder.record, values, is_on_host=is_on_host))
            return
        recorder.record(values, is_on_host=is_on_host)
        if self.between_steps is not None:
            self.between_steps.act_now()

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
    def n_made(self) -> int:
        """How many steps were recorded so far; of an ended run 0."""
        return 0 if self._recorder is None else self._recorder.n_made

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
        recorder = self._recorder  # which another thread may take away
        if recorder is not None:
            recorder.log_ahead(values)

    def log_beside(self, numbers: Callable[[], Mapping[str, float]], seconds: float) -> None:
        """Attach what a function returns to the coming step, every so many seconds.

        It is called on the side thread, and must not keep the run alive.
        """
        own = weakref.ref(self)

        def log() -> float | None:
            if (run := own()) is None or not run.is_recording:
                return None
            run.log_ahead(**numbers())
            return seconds

        now_and_then(log, seconds)

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
        if step.group_lr or step.logged:
            row = self._with_more(row, step)
        elif (n_more := len(self._writer.columns) - len(row)) > 0:  # those not logged now
            row += [NULL] * n_more
        flags = SKIPPED if step.skipped else 0
        if step.step is not None:
            self._step = step.step
        self._writer.append(Row(flags, self._step, step.time, row))
        if self._rank is not None:
            self._rank.take(self._step, step.time, (row[0], row[2], step.seconds_to_backward))
        self._step += 1

    def _on_give_up(self, error: Exception) -> None:
        self._recorder = None
        self.end("failed", f"lrwatch stopped recording: {end_by(error).error}")

    # -- columns beyond the usual ones --------------------------------------------------------

    def _with_more(self, row: list[float], step: StepValues) -> list[float]:
        """Return the row with columns by group, and those that were logged."""
        if step.group_lr:
            self._find_group_places()
        logged = cast("dict[str, float]", step.logged)
        if "loss" in logged:
            logged = dict(logged)
            row[0] = logged.pop("loss")
        if not logged.keys() <= self._place.keys():
            self._add_columns(logged)
        row += [NULL] * (len(self._writer.columns) - len(row))
        self._put_groups(row, step)
        for name, value in logged.items():
            if name in self._place:
                row[self._place[name]] = value
        return row

    def _put_groups(self, row: list[float], step: StepValues) -> None:
        for places, kind in zip(self._group_places, GROUP_COLUMNS, strict=False):
            for place, value in zip(places, getattr(step, f"group_{kind}"), strict=False):
                row[place] = value

    def _find_group_places(self) -> None:
        if self._recorder is None:  # the last steps come from the device as the run ends
            return
        names = self._recorder.group_names
        if names == self._groups and self._group_places:
            return
        columns = [[f"{kind}/{name}" for name in names] for kind in GROUP_COLUMNS]
        self._add_columns(column for kind in columns for column in kind)
        self._group_places = [[self._place[column] for column in kind] for kind in columns]
        self._groups = names

    def _add_columns(self, names: Iterable[str]) -> None:
        new = [name for name in names if name not in self._place]
        if new:
            known = self._writer.columns  # all, where Ctrl-C came before they had a place
            self._writer.widen([name for name in new if name not in known])
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

    def end(self, status: str, error: str | None = None) -> None:
        """End the run with a status of `RunInfo`; one that has ended stays as it is.

        Where Ctrl-C interrupts it, the next call goes on, the one at the end of the program for
        instance; the status is that of the first.
        """
        self._end = self._end or EndOfRun(status, error)
        recorder = self._recorder
        if recorder is not None:
            if is_held_here(recorder.lock):
                recorder.when_free(partial(self.end, status, error))
                return
            recorder.go_on()
            recorder.detach()
            self._recorder = None
        if self._asks_git is not None:
            self._asks_git.join(_GIT_PATIENCE)
        if self._rank is not None:
            self._rank.close(self._end.status, self._end.error)
        self._writer.close(self._end.status, self._end.error)
        _open_runs.discard(self)
        if self._close.detach() is not None:  # who presses Ctrl-C now waits no more, later neither
            _close(self._writer, self._endings, self._end, _PATIENCE)


def end_open_runs() -> None:
    """End every run at the end of the program: failed if an exception is what ended it.

    In a notebook, if one ended the last cell in which the run was trained.
    """
    end, cells = end_by(getattr(sys, "last_value", None)), cells_of_session()
    for run in list(_open_runs):
        of_run = end if cells is None else cells.end_of(run)
        run.end(of_run.status, of_run.error)
    for callback in _callbacks:
        callback()
    stop_all()


def at_exit(callback: Callable[[], object]) -> None:
    """Have `callback` called at the end of the program, when every run has ended."""
    _callbacks.append(callback)


def _close(
    writer: RunWriter | SilentWriter | LateWriter,
    endings: Sequence[Ending],
    end: EndOfRun,
    patience: float,
) -> None:
    writer.close(end.status, end.error)
    for ending in endings:
        try:
            ending(end.status, patience)
        except Exception:  # the end of a run is no reason to end a training
            logger.exception("the end of run %s was not reported", writer.folder)
    finish_upload(writer.folder, patience)


_callbacks: list[Callable[[], object]] = []
_open_runs: weakref.WeakSet[Run] = weakref.WeakSet()
atexit.register(end_open_runs)
