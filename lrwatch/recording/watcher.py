"""`watch` an optimizer: the one call of a training script. Joins capture and store."""

from __future__ import annotations

import functools
import logging
import os
import uuid
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack, overload

import torch

from lrwatch.capture.layers import MOST_LAYERS
from lrwatch.capture.recorder import Recorder
from lrwatch.capture.sampling import Sampling
from lrwatch.capture.wrappers import unwrapped
from lrwatch.errors import InvalidArgument, LrwatchError, NotAnOptimizer
from lrwatch.recording.description import describe
from lrwatch.recording.opening import Resume, RunOptions, check_count
from lrwatch.recording.rank_options import RankOptions
from lrwatch.recording.run import Run
from lrwatch.recording.system_metrics import record_system
from lrwatch.recording.training_actions import Alerting
from lrwatch.store.writer import RunWriter

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
    layers: bool | int
    total_steps: int | None
    group: str | None
    resume: Resume
    alerts: bool | Severity | Sequence[Rule | str] | None
    on_alert: Handler | Sequence[Handler] | None
    ranks: bool | int
    main_rank: int
    system: bool


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
    layers: bool | int = False,
    total_steps: int | None = None,
    group: str | None = None,
    resume: Resume = False,
    alerts: bool | Severity | Sequence[Rule | str] | None = True,
    on_alert: Handler | Sequence[Handler] | None = None,
    ranks: bool | int = False,
    main_rank: int = 0,
    system: bool = True,
) -> Run | RunGroup:
    """Record every step of an optimizer from now on.

    Parameters
    ----------
    optimizer
        Any torch optimizer, or several by name, as ``{"generator": g, "discriminator": d}``:
        a run each, in one group. Steps, schedulers, clipping, accumulation and closures are seen
        by themselves.
    dir
        Folder of runs, made if it is not there; or an address, as ``s3://bucket/runs``. Then rows
        are written on this machine first and sent by a thread, every 30 seconds; `Run.address`
        says where to.
    name
        Name of the run and of its folder; by default from the optimizer and its learning
        rate. Where a run has the name already, the new one is called ``NAME-2``, and so on.
    config
        What to remember of the job: a mapping, a dataclass or an `argparse.Namespace`.
    model
        Gives names to parameter groups that have none of their own, and to layers.
    loss
        ``"auto"`` takes the sum of the roots of `backward` since the previous step; ``None``
        records only what `Run.log` is given.
    update_norm_every
        Update norm and parameter norm are measured on every one of the first 20 steps, then
        on one step in each window of this many; 1 measures all. Update norms of plain SGD
        follow from the gradient, and are there at every step.
    layers
        ``True`` also keeps gradient, update and parameter norm of each layer of the model, on the
        steps that measure the update norm; of up to 64 layers, or as many as a number says. Where
        there are more, larger modules are taken for layers.
    total_steps
        Planned number of steps, where known.
    group
        Name that several runs of one job share.
    resume
        ``True`` goes on with the run called `name` after its last step; a number goes on
        with that step, as after loading a checkpoint, and later rows no longer count.
        ``"auto"`` goes on if there is the run and begins it otherwise, and so does 0, from its
        first step: for jobs that are requeued.
    alerts
        ``True`` says in one line of the log ``lrwatch`` when the run goes wrong, why, and what
        to try, within a second, judged on a thread of its own. ``"page"`` does so only for a run
        that diverges; a list of `lrwatch.alerts.Rule`, or of their names, for those; ``False``
        or ``None`` never.
    on_alert
        What else to do: a function of an `lrwatch.alerts.Alert`, called on a thread of its own;
        `StopTraining`, `CutLearningRate` or `SaveCheckpoint`, which act before the next step;
        or a list of them.
    ranks
        ``True`` also keeps loss, gradient norm and pace of each process of a distributed job, as
        means over 10 steps, or over as many as a number says: who is slow, whose loss differs,
        who stopped. `lrwatch.read_ranks` reads them.
    main_rank
        Which process of a distributed job writes the run; -1 is the last one, which has the loss
        where the layers of a net are spread over processes, as a pipeline.
    system
        Keep what the machine does, as columns ``system/...``, every 10 seconds, where psutil
        is installed, and of GPUs where nvidia-ml-py is.

    Notes
    -----
    Of the processes of a distributed job one writes. The others return a `Run` that records
    nothing, and measure along where parameters are spread over processes: all must call `watch`
    in the same way, or norms are missing. No process ever waits for one that does not.

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
    MissingExtra
        If a package is needed for the address.
    RunNotFound, RunBusy
        If the run to resume is not there, or another process writes it.
    """
    options = _Options(
        RunOptions(
            folder=dir,
            name=name,
            config=config,
            total_steps=total_steps,
            group=group,
            resume=resume,
            alerting=Alerting.of(alerts, on_alert),
        ),
        model=model,
        capture_loss=_check_loss(loss),
        update_norm_every=check_count("update_norm_every", update_norm_every),
        n_layers=_check_layers(layers, model),
        ranks=RankOptions.of(ranks, main_rank),
        is_with_system=system,
    )
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
    """What `watch` was asked for: of the run, and of what is measured."""

    run: RunOptions
    model: torch.nn.Module | None
    capture_loss: bool
    update_norm_every: int
    n_layers: int
    ranks: RankOptions
    is_with_system: bool


def _watch_all(optimizers: Mapping[str, Any], options: _Options) -> RunGroup:
    if not optimizers:
        raise InvalidArgument("watch() was given no optimizer: the mapping is empty")
    runs: dict[str, Run] = {}
    asked = options.run
    group = asked.group or asked.name or f"job-{uuid.uuid4().hex[:8]}"
    try:
        for key, optimizer in optimizers.items():
            name = f"{asked.name}-{key}" if asked.name else str(key)
            own = replace(asked, name=name, group=group)
            runs[key] = _watch_one(optimizer, replace(options, run=own))
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
    asked = options.run
    info = describe(
        optimizer,
        name=asked.name,
        config=asked.config,
        total_steps=asked.total_steps,
        group=asked.group,
        model=options.model,
    )
    # Of the processes of a job, one writes.
    writer, step = asked.open(info) if options.ranks.is_main else asked.open_silent(info)
    run = Run(writer, first_step=step)
    if isinstance(writer, RunWriter):
        asked.alerting.prepare(run, optimizer)
    recorder = functools.partial(
        Recorder,
        optimizer,
        model=options.model,
        # Ranks that measure together must draw the same steps, so the seed is not the run's id.
        sampling=Sampling(options.update_norm_every, seed=info.name),
        capture_loss=options.capture_loss,
        n_layers=options.n_layers,
        clock=options.ranks.join(run, step),
    )
    run.attach(recorder)
    watched[optimizer] = run
    if isinstance(writer, RunWriter):
        asked.alerting.begin(run, writer)
        if options.is_with_system:
            record_system(run)
    return run


watched: weakref.WeakKeyDictionary[torch.optim.Optimizer, Run] = weakref.WeakKeyDictionary()
"""The run of each optimizer that is, or was, watched."""


def _check_loss(loss: object) -> bool:
    if loss not in ("auto", None):
        raise InvalidArgument(f"loss must be 'auto' or None, got {loss!r}; see also Run.log")
    return loss == "auto"


def _check_layers(layers: bool | int, model: object) -> int:  # noqa: FBT001
    if layers is False:
        return 0
    if not isinstance(model, torch.nn.Module):
        raise InvalidArgument("layers needs the model, whose modules they are; give model=...")
    return MOST_LAYERS if layers is True else check_count("layers", layers)
