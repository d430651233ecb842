"""Open a run: the options that every run has, and `open_run`, for loops without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lrwatch.capture.own_loop import OwnLoop
from lrwatch.errors import InvalidArgument
from lrwatch.recording.description import describe
from lrwatch.recording.run import Run
from lrwatch.recording.system_metrics import record_system
from lrwatch.recording.training_actions import Alerting
from lrwatch.records import FLOAT_COLUMNS, RunInfo
from lrwatch.store.creation import SilentWriter, create_run, resume_run
from lrwatch.store.layout import folder_name
from lrwatch.store.writer import RunWriter
from lrwatch.uploading import carry, fetch_for_resume, prepare

if TYPE_CHECKING:
    from lrwatch.alerts import Handler, Rule, Severity

__all__ = ["Resume", "RunOptions", "check_count", "open_run"]

Resume: TypeAlias = 'bool | int | Literal["auto"]'
"""Whether to go on with a run, and with which step."""


def open_run(  # noqa: PLR0913  one call, its options keyword-only
    *,
    dir: str | os.PathLike[str] = "runs",  # noqa: A002  the contract's name
    name: str | None = None,
    config: Any = None,
    total_steps: int | None = None,
    group: str | None = None,
    resume: Resume = False,
    alerts: bool | Severity | Sequence[Rule | str] | None = True,
    on_alert: Handler | Sequence[Handler] | None = None,
    system: bool = True,
) -> Run:
    """Begin a run of a training that has no optimizer of torch; the loop calls `Run.record`.

    Torch is not imported. Of the processes of a job, one should call this.

    Parameters
    ----------
    dir
        Folder of runs, made if it is not there; or an address, as for `watch`.
    name
        Name of the run and of its folder; ``run`` by default. Where a run has the name already,
        the new one is called ``NAME-2``, and so on.
    config
        What to remember of the job: a mapping, a dataclass or an `argparse.Namespace`.
    total_steps
        Planned number of steps, where known.
    group
        Name that several runs of one job share.
    resume, alerts, system
        As for `watch`.
    on_alert
        What else to do when the run goes wrong: a function of an `lrwatch.alerts.Alert`, called
        on a thread of its own; `StopTraining` or `SaveCheckpoint`, which act within the next
        `Run.record`, on the thread of the loop; or a list of them. `CutLearningRate` is not for
        such loops: it changes optimizers of torch.

    Returns
    -------
    Run
        Nothing that happens to it raises into the loop, unless `StopTraining` was asked for.

    Raises
    ------
    InvalidArgument
        If an option is not allowed.
    StoreNotWritable
        If the run's folder cannot be created.
    MissingExtra
        If a package is needed for the address.
    RunNotFound, RunBusy
        If the run to resume is not there, or another process writes it.
    """
    options = RunOptions(
        folder=dir,
        name=name,
        config=config,
        total_steps=total_steps,
        group=group,
        resume=resume,
        alerting=Alerting.of(alerts, on_alert, has_optimizer=False),
    )
    info = describe(None, name=name, config=config, total_steps=options.total_steps, group=group)
    writer, step = options.open(info)
    run = Run(writer, first_step=step)
    options.alerting.prepare(run, None)
    run.attach(OwnLoop)
    options.alerting.begin(run, writer)
    if system:
        record_system(run)
    return run


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What every run may be asked for.

    Raises
    ------
    InvalidArgument
        If an option is not allowed.
    """

    folder: str | os.PathLike[str]
    name: str | None
    config: Any
    total_steps: int | None
    group: str | None
    resume: Resume
    alerting: Alerting

    def __post_init__(self) -> None:
        if self.total_steps is not None:
            check_count("total_steps", self.total_steps)
        if self.name is not None and not isinstance(self.name, str):
            raise InvalidArgument(f"name must be a text, got {self.name!r}")
        if self.resume is not False and self.name is None:
            raise InvalidArgument("resume needs the name of the run to continue; give name=...")
        if not (self.resume == "auto" or (type(self.resume) in (bool, int) and self.resume >= 0)):
            raise InvalidArgument(
                "resume must be True, 'auto' to begin the run if it is not there, or the number of "
                f"the next step, got {self.resume!r:.60}"
            )

    def open(self, info: RunInfo) -> tuple[RunWriter, int]:
        """Create the run or go on with it; return its writer, and the number of the next step."""
        store = prepare(self.folder)
        if self.resume is False:
            writer, step = create_run(store, info, FLOAT_COLUMNS), 0
        else:
            at = None if self.resume is True or self.resume == "auto" else int(self.resume)
            # A job that is requeued calls with step 0 as long as it has no checkpoint.
            may_begin = self.resume == "auto" or at == 0
            fetch_for_resume(store, info.name, may_begin=may_begin)
            writer, step = resume_run(store, info, FLOAT_COLUMNS, step=at, may_begin=may_begin)
        carry(writer)
        return writer, step

    def open_silent(self, info: RunInfo) -> tuple[SilentWriter, int]:
        """Return what takes the numbers in processes that write nothing."""
        return SilentWriter(prepare(self.folder) / folder_name(info.name), info, FLOAT_COLUMNS), 0


def check_count(name: str, value: object) -> int:
    """Return a whole number that is at least 1.

    Raises
    ------
    InvalidArgument
        If it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgument(f"{name} must be a whole number, at least 1, got {value!r}")
    return value
