"""`watch` an optimizer: the one call of a training script. Joins capture and store."""

from __future__ import annotations

import logging
import os
import uuid
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack, overload

import torch

from lrwatch.capture import Sampling, sharding
from lrwatch.capture.wrappers import unwrapped
from lrwatch.description import describe
from lrwatch.errors import InvalidArgument, LrwatchError, NotAnOptimizer
from lrwatch.records import FLOAT_COLUMNS, RunInfo
from lrwatch.run import Run
from lrwatch.store.creation import create_run, resume_run
from lrwatch.store.layout import folder_name
from lrwatch.store.silent_writer import SilentWriter
from lrwatch.store.writer import RunWriter
from lrwatch.training_actions import Alerting

if TYPE_CHECKING:
    from lrwatch.alerts import Handler, Rule, Severity

__all__ = ["Run", "RunGroup", "watch", "watched"]

logger = logging.getLogger("lrwatch")


class _Keywords(TypedDict, total=False):
    dir: str | os.PathLike[str]
    name: str | None
    config: Any
    model: torch.nn.Module | None
    loss: Literal["auto"] | None
    update_norm_every: int
    total_steps: int | None
    group: str | None
    resume: bool | int
    alerts: bool | Severity | Sequence[Rule | str] | None
    on_alert: Handler | Sequence[Handler] | None


@overload
def watch(optimizer: torch.optim.Optimizer, **options: Unpack[_Keywords]) -> Run: ...
@overload
def watch(
    optimizer: Mapping[str, torch.optim.Optimizer], **options: Unpack[_Keywords]
) -> RunGroup: ...
def watch(  # noqa: PLR0913  one call, its options keyword-only
    optimizer: torch.optim.Optimizer | Mapping[str, torch.optim.Optimizer],
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
    alerts: bool | Severity | Sequence[Rule | str] | None = True,
    on_alert: Handler | Sequence[Handler] | None = None,
) -> Run | RunGroup:
    """Record every step of an optimizer from now on.

    Parameters
    ----------
    optimizer
        Any torch optimizer, or several by name, as ``{"generator": g, "discriminator": d}``:
        a run each, in one group. Steps, schedulers, clipping, accumulation and closures are seen
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
    alerts
        ``True`` says in one line of the log ``lrwatch`` when the run goes wrong, why, and what
        to try, within a second, judged on a thread of its own. ``"page"`` does so only for a run
        that diverges; a list of `lrwatch.alerts.Rule`, or of their names, for those; ``False``
        or ``None`` never.
    on_alert
        What else to do: a function of an `lrwatch.alerts.Alert`, called on a thread of its own;
        `StopTraining`, `CutLearningRate` or `SaveCheckpoint`, which act before the next step;
        or a list of them.

    Notes
    -----
    Of the processes of a distributed job the one of rank 0 writes. The others return a `Run`
    that records nothing, and measure along where parameters are spread over processes.

    Returns
    -------
    Run, or RunGroup for several optimizers
        Recording already. Nothing that happens to it raises into the training loop, unless
        `StopTraining` was asked for.

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
    options = _Options(
        folder=dir,
        name=name,
        config=config,
        model=model,
        capture_loss=_check_loss(loss),
        update_norm_every=_check_count("update_norm_every", update_norm_every),
        total_steps=None if total_steps is None else _check_count("total_steps", total_steps),
        group=group,
        resume=resume,
        alerting=Alerting.of(alerts, on_alert),
    )
    options.check()
    if isinstance(optimizer, Mapping):
        return _watch_all(optimizer, options)
    return _watch_one(optimizer, options)


class RunGroup(Mapping[str, Run]):
    """The runs of one job with several optimizers, by the names that `watch` was given.

    Each is a run of its own, with the loss whose `backward` filled its gradients; they share
    their ``group``. Usable as a context manager.
    """

    def __init__(self, runs: Mapping[str, Run]) -> None:
        self._runs = dict(runs)

    def __getitem__(self, name: str) -> Run:
        return self._runs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for run in self._runs.values():
            run.__exit__(kind, error, traceback)

    def log(self, **values: float | torch.Tensor) -> None:
        """Attach numbers to the current step of every run; see `Run.log`."""
        for run in self._runs.values():
            run.log(**values)

    def finish(self) -> None:
        """End every run."""
        for run in self._runs.values():
            run.finish()


@dataclass(frozen=True, slots=True)
class _Options:
    """What `watch` was asked for, checked."""

    folder: str | os.PathLike[str]
    name: str | None
    config: Any
    model: torch.nn.Module | None
    capture_loss: bool
    update_norm_every: int
    total_steps: int | None
    group: str | None
    resume: bool | int
    alerting: Alerting

    def check(self) -> None:
        if self.name is not None and not isinstance(self.name, str):
            raise InvalidArgument(f"name must be a text, got {self.name!r}")
        if _is_address(self.folder):
            raise InvalidArgument(
                f"dir must be a folder of this machine, got {os.fspath(self.folder)!r}; record "
                "into one and copy it, as lrwatch cannot write to object stores yet"
            )
        if self.resume is not False and self.name is None:
            raise InvalidArgument("resume needs the name of the run to continue; give name=...")


def _watch_all(optimizers: Mapping[str, Any], options: _Options) -> RunGroup:
    if not optimizers:
        raise InvalidArgument("watch() was given no optimizer: the mapping is empty")
    runs: dict[str, Run] = {}
    group = options.group or options.name or f"job-{uuid.uuid4().hex[:8]}"
    try:
        for key, optimizer in optimizers.items():
            name = f"{options.name}-{key}" if options.name else str(key)
            runs[key] = _watch_one(optimizer, replace(options, name=name, group=group))
    except LrwatchError:
        RunGroup(runs).finish()
        raise
    return RunGroup(runs)


def _watch_one(optimizer: Any, options: _Options) -> Run:
    optimizer = unwrapped(optimizer)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise NotAnOptimizer(
            f"watch() takes a torch.optim.Optimizer, got {type(optimizer).__name__}; "
            "give it the optimizer whose step() the training loop calls"
        )
    earlier = watched.get(optimizer)
    if earlier is not None:
        logger.info("%s is watched anew; run %s ends here", type(optimizer).__name__, earlier.name)
        earlier.finish()
    info = describe(
        optimizer,
        name=options.name,
        config=options.config,
        total_steps=options.total_steps,
        group=options.group,
        model=options.model,
    )
    writer, step = _open(options, info)
    run = Run(writer, first_step=step)
    is_written = isinstance(writer, RunWriter)
    intervention = options.alerting.prepare(run, optimizer) if is_written else None
    run.attach(
        optimizer,
        model=options.model,
        # Ranks that measure together must draw the same steps, so the seed is not the run's id.
        sampling=Sampling(options.update_norm_every, seed=info.name),
        capture_loss=options.capture_loss,
    )
    watched[optimizer] = run
    if isinstance(writer, RunWriter):
        options.alerting.begin(run, writer, intervention)
    return run


def _open(options: _Options, info: RunInfo) -> tuple[RunWriter | SilentWriter, int]:
    """Create or resume the run; of the processes of a job, the first one writes."""
    store = Path(options.folder)
    if sharding.rank() != 0:
        return SilentWriter(store / folder_name(info.name), info, FLOAT_COLUMNS), 0
    if options.resume is False:
        return create_run(store, info, FLOAT_COLUMNS), 0
    at = None if options.resume is True else int(options.resume)
    return resume_run(store, info, FLOAT_COLUMNS, step=at)


watched: weakref.WeakKeyDictionary[torch.optim.Optimizer, Run] = weakref.WeakKeyDictionary()
"""The run of each optimizer that is, or was, watched."""


def _is_address(folder: str | os.PathLike[str]) -> bool:
    """Tell an address such as ``s3://bucket/runs`` from a path."""
    return "://" in os.fspath(folder)


def _check_loss(loss: object) -> bool:
    if loss not in ("auto", None):
        raise InvalidArgument(f"loss must be 'auto' or None, got {loss!r}; see also Run.log")
    return loss == "auto"


def _check_count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgument(f"{name} must be a whole number, at least 1, got {value!r}")
    return value
