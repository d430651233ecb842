"""Watch every optimizer from its construction; its run begins with its first step."""

from __future__ import annotations

import dataclasses
import functools
import gc
import logging
import os
import re
import sys
import uuid
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from torch.optim import Optimizer

from lrwatch.autowatch.called import Site, called, site
from lrwatch.autowatch.settings import Settings
from lrwatch.capture import sharding
from lrwatch.capture.recorder import Recorder
from lrwatch.capture.sampling import Sampling
from lrwatch.errors import LrwatchError, RunBusy, RunNotFound, RunUnreadable
from lrwatch.formats import count, printable
from lrwatch.recording.description import describe
from lrwatch.recording.run import Run
from lrwatch.recording.training_actions import Alerting
from lrwatch.recording.watcher import watched
from lrwatch.records import FLOAT_COLUMNS, RunInfo
from lrwatch.store.creation import LateWriter, SilentWriter, create_run, resume_run
from lrwatch.store.layout import folder_name
from lrwatch.store.run_names import numbered
from lrwatch.store.writer import RunWriter
from lrwatch.uploading import address_of, carry, fetch_for_resume

__all__ = ["MOST_AT_ONCE", "EveryOptimizer", "ScriptRecording", "run_name", "summary"]

logger = logging.getLogger("lrwatch")

MOST_AT_ONCE = 32
"""Optimizers that are recorded beside each other. Of more, none begins a run: that is where
each parameter has one of its own, which steps within `backward`."""

_UPDATE_NORM_EVERY = 10  # the default of `watch`

_MOST_CHARACTERS = 40  # of a program's name
_MOST_NAMES = 3


class EveryOptimizer:
    """Watches the optimizers that are made in this process, until `end`.

    Attributes
    ----------
    recorded
        The runs, in the order in which they began.
    n_before
        Rows that they had then.
    n_made
        Optimizers that were made.
    is_explained
        Whether it is known, or no surprise, that an optimizer is not recorded.
    """

    def __init__(self, settings: Settings) -> None:
        self.recorded: list[RunWriter] = []
        self.n_before = 0
        self.n_made = 0
        self.is_explained = False
        self._settings = settings
        self._folder = Path(settings.folder)
        self._alerting = Alerting.of(settings.alerts, None)
        named = settings.name or settings.program or "job"
        self._group = run_name(named, uuid.uuid4().hex[:8])
        self._process = os.getpid()
        self._optimizers: weakref.WeakKeyDictionary[Optimizer, Site] = weakref.WeakKeyDictionary()
        self._runs: weakref.WeakSet[Run] = weakref.WeakSet()
        self._is_full = False
        self._construction = _OnConstruction(self._watch)

    def end(self, error: BaseException | None = None) -> None:
        """Watch no more, and end the runs; `error` is what ended the job, if anything did."""
        self._construction.end()
        if os.getpid() == self._process:
            for run in list(self._runs):
                run.__exit__(None if error is None else type(error), error, None)

    def _watch(self, optimizer: Optimizer, made_at: Site) -> None:
        if self._is_full or os.getpid() != self._process:
            return
        self.n_made += 1
        info = describe(
            optimizer,
            name=None,
            config={"command": self._settings.command, **self._settings.config},
            total_steps=self._settings.total_steps,
            group=self._group,
        )
        name, own = self._name_of(info.name), info.name
        info = dataclasses.replace(info, name=name)
        open_run = functools.partial(self._open, weakref.ref(optimizer), own)
        run = Run(
            LateWriter(self._folder / folder_name(name), info, FLOAT_COLUMNS, open_run),
            first_step=0,
        )
        watched[optimizer] = run
        self._optimizers[optimizer] = made_at
        self._runs.add(run)
        # The same draws in every process of a job, as `watch` does it.
        sampling = Sampling(_UPDATE_NORM_EVERY, seed=name)
        run.attach(functools.partial(Recorder, optimizer, sampling=sampling))

    def _open(
        self,
        reference: weakref.ref[Optimizer],
        own: str,
        info: RunInfo,
        columns: Sequence[str],
    ) -> tuple[RunWriter | SilentWriter, int]:
        """Make the run of an optimizer that has made its first step, or decline to."""
        silent = SilentWriter(self._folder / folder_name(info.name), info, columns), 0
        optimizer = reference()
        if not self._is_first_process():
            self.is_explained = True
            return silent  # but it measures, as sharded norms need every process of a job
        if optimizer is not None and (self._is_part(optimizer) or self._is_crowded()):
            watched[optimizer].finish()
            return silent
        name = self._name_of(own, self._label(optimizer))
        try:
            writer, first_step = self._make(dataclasses.replace(info, name=name), columns)
        except LrwatchError as error:
            self.is_explained = True
            logger.warning("lrwatch: %s is not recorded: %s", info.name, error)
            return silent
        self.recorded.append(writer)
        self.n_before += writer.n_rows
        if optimizer is not None:
            self._alerting.begin(watched[optimizer], writer)
        return writer, first_step

    def _make(self, info: RunInfo, columns: Sequence[str]) -> tuple[RunWriter, int]:
        writer, step = self._resumed(info, columns) if self._settings.resume else (None, 0)
        if writer is None:
            writer = create_run(self._folder, info, columns)
        carry(writer)
        return writer, step

    def _resumed(self, info: RunInfo, columns: Sequence[str]) -> tuple[RunWriter | None, int]:
        """Go on with the run of an earlier start, as a requeued job does, if that can be done."""
        # A second optimizer of the same name goes on with ``NAME-2``.
        taken = {writer.info.name for writer in self.recorded}
        name = next(name for name in numbered(info.name) if name not in taken)
        fetch_for_resume(self._folder, name, may_begin=True)
        try:
            earlier = dataclasses.replace(info, name=name)
            return resume_run(self._folder, earlier, columns, step=None)
        except RunNotFound:
            pass
        except (RunBusy, RunUnreadable) as error:
            logger.warning("lrwatch: %s is not gone on with, a new run begins: %s", name, error)
        return None, 0

    def _name_of(self, own: str, label: str = "") -> str:
        """Return a run's name from that of an optimizer, and what tells it from others."""
        named = self._settings.name
        joined = "-".join(part for part in (named, label, "" if named else own) if part)
        return joined if named else run_name(self._settings.program, joined)

    def _label(self, optimizer: Optimizer | None) -> str:
        """Return what the script calls an optimizer, where that tells it from others."""
        if optimizer is None or len(self._optimizers) == 1:
            return ""
        labels = {other: called(at, type(other).__name__) for other, at in self._optimizers.items()}
        label = labels.pop(optimizer)
        return "" if label in labels.values() else label

    def _is_first_process(self) -> bool:
        # `torchrun` and others number their processes, also where the script forms no group.
        rank = os.environ.get("RANK", "0")
        return os.getpid() == self._process and sharding.rank() == 0 and rank in ("", "0")

    def _is_part(self, optimizer: Optimizer) -> bool:
        """Tell whether another optimizer, whose step is under way, steps by means of this one."""
        own = _parameters(optimizer)
        return any(
            other is not optimizer and watched[other].is_in_step and own & _parameters(other)
            for other in self._optimizers
            if other in watched
        )

    def _is_crowded(self) -> bool:
        """Tell whether there are more optimizers than are recorded, and say so once."""
        if not self._is_full and len(self._optimizers) > MOST_AT_ONCE:
            gc.collect()  # those of a sweep that has moved on may be in cycles with a scheduler
            self._is_full = len(self._optimizers) > MOST_AT_ONCE
            if self._is_full:
                self.is_explained = True
                logger.warning(
                    "lrwatch: %d optimizers at once, but at most %d are recorded: no further run "
                    "begins; choose some with lrwatch.watch()",
                    len(self._optimizers), MOST_AT_ONCE,
                )  # fmt: skip
        return self._is_full


def run_name(program: str, what: str) -> str:
    """Join a program's name and what tells its runs apart.

    Parameters
    ----------
    program
        Any text; what a folder's name may not hold becomes a dash.
    what
        Optimizer and learning rate, say.

    Examples
    --------
    >>> run_name("train", "sgd-0.1"), run_name("a:b?", "sgd-0.1"), run_name("", "sgd-0.1")
    ('train-sgd-0.1', 'a-b-sgd-0.1', 'sgd-0.1')
    """
    plain = re.sub(r"[^\w.+=@-]+", "-", program)[:_MOST_CHARACTERS].strip(".-")
    return f"{plain}-{what}" if plain else what


class _OnConstruction:
    """Calls a function with each optimizer once it is initialized, until `end`.

    Copies and unpickled optimizers are not made in this sense.

    Parameters
    ----------
    action
        What to call, with where it is made too; an error of it is logged and goes no further.
    """

    def __init__(self, action: Callable[[Optimizer, Site], None]) -> None:
        self._action: Callable[[Optimizer, Site], None] | None = action
        self._original: Callable[..., None] = Optimizer.__init__
        self._installed = self._announcing(self._original)
        setattr(Optimizer, "__init__", self._installed)  # noqa: B010  mypy forbids the plain way

    def end(self) -> None:
        """Leave torch as it was, unless somebody else has changed the same place since."""
        self._action = None
        if Optimizer.__init__ is self._installed:
            setattr(Optimizer, "__init__", self._original)  # noqa: B010

    def _announcing(self, initialize: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(initialize)
        def call(optimizer: Optimizer, *args: Any, **kwargs: Any) -> None:
            initialize(optimizer, *args, **kwargs)
            try:
                if self._action is not None:
                    self._action(optimizer, site(sys._getframe(1)))  # noqa: SLF001
            except Exception as error:  # noqa: BLE001  the script's optimizer works
                logger.warning("%s is not recorded: %s", type(optimizer).__name__, error)

        return call


def _parameters(optimizer: Optimizer) -> set[int]:
    groups: Iterable[dict[str, list[object]]] = optimizer.param_groups
    return {id(parameter) for group in groups for parameter in group["params"]}


class ScriptRecording:
    """Every optimizer made from now on, to the end of the interpreter or of a function, watched."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process = os.getpid()
        self.job = EveryOptimizer(settings)

    def end(self, error: BaseException | None) -> None:
        """Watch no more, and say where the runs are; `error` ended the script, if one did."""
        if os.getpid() != self._process:
            return  # a fork of the script
        self.job.end(error)
        if self.job.recorded and sys.stderr is not None:
            said = summary(self.job.recorded, self._settings.shown_folder, self.job.n_before)
            sys.stderr.write(f"lrwatch: {said}\n")


def summary(runs: Sequence[RunWriter], folder: str, n_before: int = 0) -> str:
    """Say in one line what was recorded, and where; `n_before` rows were there before."""
    steps = count(sum(run.n_rows for run in runs) - n_before)
    if len(runs) == 1:
        at = address_of(runs[0].folder) or Path(folder, runs[0].info.name)
        return printable(f"{steps} steps recorded in {at}")
    names = [run.info.name for run in runs[:_MOST_NAMES]]
    more = len(runs) - len(names)
    listed = ", ".join(names) + (f" and {more} more" if more else "")
    return printable(f"{steps} steps of {len(runs)} optimizers recorded in {folder}: {listed}")
