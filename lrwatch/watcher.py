"""`watch` an optimizer: the one call of a training script. Joins capture and store."""

from __future__ import annotations

import logging
import os
import time
import weakref
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import torch

from lrwatch.capture import Recorder, StepValues
from lrwatch.capture.sampling import Sampling
from lrwatch.description import describe
from lrwatch.errors import InvalidArgument, NotAnOptimizer
from lrwatch.records import FLOAT_COLUMNS, NULL, STEP_COLUMNS
from lrwatch.store.creation import create_run, resume_run
from lrwatch.store.writer import Row, RunWriter

__all__ = ["Run", "watch"]

logger = logging.getLogger("lrwatch")

_GROUP_COLUMNS = {
    "lr": "group_lr",
    "grad_norm": "group_grad_norm",
    "param_norm": "group_param_norm",
    "update_norm": "group_update_norm",
}
_NAME_SIGNS = 200


def watch(  # noqa: PLR0913  one call, its options keyword-only
    optimizer: torch.optim.Optimizer,
    *,
    dir: str | os.PathLike[str] = "runs",  # noqa: A002  the contract's name
    name: str | None = None,
    config: Any = None,
    model: torch.nn.Module | None = None,
    loss: Literal["auto"] | None = "auto",
    update_norm_every: int = 10,
    total_steps: int | None = None,
    group: str | None = None,
    resume: bool | int = False,
) -> Run:
    """Record every step of an optimizer from now on.

    Parameters
    ----------
    optimizer
        Any torch optimizer. Steps, schedulers, clipping, accumulation and closures are seen
        by themselves.
    dir
        Folder of runs; made if it is not there.
    name
        Name of the run and of its folder; by default from the optimizer and its learning
        rate. Where a run has the name already, the new one is called ``NAME-2``, and so on.
    config
        What to remember of the job: a mapping, a dataclass or an `argparse.Namespace`.
    model
        Gives names to parameter groups that have none of their own.
    loss
        ``"auto"`` takes the sum of the roots of `backward` since the previous step; ``None``
        records only what `Run.log` is given.
    update_norm_every
        Update norm and parameter norm are measured on every one of the first 20 steps, then
        on one step in each window of this many; 1 measures all. Update norms of plain SGD
        follow from the gradient, and are there at every step.
    total_steps
        Planned number of steps, where known.
    group
        Name that several runs of one job share.
    resume
        ``True`` goes on with the run called `name` after its last step; a number goes on
        with that step, as after loading a checkpoint, and later rows no longer count.

    Returns
    -------
    Run
        Recording already. Nothing that happens to it raises into the training loop.

    Raises
    ------
    NotAnOptimizer
        If `optimizer` is something else.
    InvalidArgument
        If an option is not allowed.
    StoreNotWritable
        If the run's folder cannot be created.
    RunNotFound, RunBusy
        If the run to resume is not there, or another process writes it.
    """
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise NotAnOptimizer(
            f"watch() takes a torch.optim.Optimizer, got {type(optimizer).__name__}; "
            "give it the optimizer whose step() the training loop calls"
        )
    if name is not None and not isinstance(name, str):
        raise InvalidArgument(f"name must be a text, got {name!r}")
    if loss not in ("auto", None):
        raise InvalidArgument(f"loss must be 'auto' or None, got {loss!r}; see also Run.log")
    _check_count("update_norm_every", update_norm_every)
    if total_steps is not None:
        _check_count("total_steps", total_steps)
    if resume is not False and name is None:
        raise InvalidArgument("resume needs the name of the run to go on with; give name=...")
    earlier = _watched.get(optimizer)
    if earlier is not None:
        logger.info("%s is watched anew; run %s ends here", type(optimizer).__name__, earlier.name)
        earlier.finish()
    info = describe(optimizer, name=name, config=config, total_steps=total_steps, group=group)
    folder = Path(dir)
    if resume is False:
        writer, step = create_run(folder, info, FLOAT_COLUMNS), 0
    else:
        at = None if resume is True else int(resume)
        writer, step = resume_run(folder, info, FLOAT_COLUMNS, step=at)
    run = Run(writer, first_step=step)
    run.attach(
        optimizer,
        model=model,
        sampling=Sampling(update_norm_every, seed=writer.info.id),
        capture_loss=loss == "auto",
    )
    _watched[optimizer] = run
    return run


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

    def __init__(self, writer: RunWriter, *, first_step: int) -> None:
        self.path: Path = writer.folder
        self.id: str = writer.info.id
        self.name: str = writer.info.name
        self._writer = writer
        self._step = first_step
        self._recorder: Recorder | None = None
        self._place: dict[str, int] = {}  # columns beyond the usual ones: where they stand
        self._group_places: list[list[int]] = []  # of each kind of column, by group
        self._groups: tuple[str, ...] = ()
        self._logged: dict[str, float] = {}  # for the coming step
        self._refused: set[str] = set()  # names that were warned about
        self._close = weakref.finalize(self, writer.close_at_exit)

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
            self._end("interrupted" if issubclass(kind, KeyboardInterrupt) else "failed")

    def log(self, **values: float | torch.Tensor) -> None:
        """Attach numbers to the current step.

        That is the step just made or, once `backward` has run again, the one about to be
        made. ``loss`` replaces the loss that was found by itself. What cannot be recorded, a
        text for instance, is left out with one warning.

        Parameters
        ----------
        values
            Numbers, or tensors with one element, by name.
        """
        if self._recorder is None:
            return
        numbers = {}
        for name, value in values.items():
            number = self._number(name, value)
            if number is not None:
                numbers[name] = number
        if self._recorder.is_of_coming_step(values.get("loss")):
            self._logged |= numbers
        elif numbers:
            self._amend(numbers)

    def finish(self) -> None:
        """End the run: nothing more is recorded, and its rows become one Parquet file."""
        self._end("finished")

    # -- called by the recorder, on the training thread ---------------------------------------

    def _on_step(self, step: StepValues) -> None:
        row = [
            step.loss,
            step.lr,
            step.grad_norm,
            step.grad_norm_clipped,
            step.param_norm,
            step.update_norm,
        ]
        if step.group_lr or self._logged or self._place:
            row = self._with_more(row, step)
        self._writer.append(Row(0, self._step, time.time_ns() // 1000, row))
        self._step += 1

    def _on_give_up(self, _error: Exception) -> None:
        self._recorder = None
        self._end("failed")

    # -- columns beyond the usual ones --------------------------------------------------------

    def _with_more(self, row: list[float], step: StepValues) -> list[float]:
        """Return the row with columns by group, and those that were logged."""
        if step.group_lr:
            self._find_group_places()
        logged, self._logged = self._logged, {}
        if "loss" in logged:
            row[0] = logged.pop("loss")
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

    def _number(self, name: str, value: object) -> float | None:
        problem = ""
        if (name in STEP_COLUMNS and name != "loss") or name.partition("/")[0] in _GROUP_COLUMNS:
            problem = "lrwatch records that itself"
        elif not name.isprintable() or not 0 < len(name) <= _NAME_SIGNS:
            problem = f"a name is 1 to {_NAME_SIGNS} printable signs"
        else:
            try:
                # A tensor that requires a gradient is read by item() without a warning.
                item = getattr(value, "item", None)
                return float(item() if callable(item) else value)  # type: ignore[arg-type]
            except (TypeError, ValueError, RuntimeError):
                problem = f"a number or a tensor with one element is needed, got {value!r:.60}"
        if name not in self._refused:
            self._refused.add(name)
            logger.warning("log(%s=...) is left out: %s", name, problem)
        return None

    def _end(self, status: str) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.detach()
        if self._close.detach() is not None:
            self._writer.close(status)


_watched: weakref.WeakKeyDictionary[torch.optim.Optimizer, Run] = weakref.WeakKeyDictionary()


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgument(f"{name} must be a whole number from 1 on, got {value!r}")
