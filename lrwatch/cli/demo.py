"""``lrwatch demo``: a learning-rate sweep trained for real, and the dashboard on it, live."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lrwatch.cli.dashboard_process import DashboardProcess

__all__ = ["demo"]

_TERMINATED = 128 + signal.SIGTERM


@click.command(short_help="Train a learning-rate sweep and show it live on the dashboard.")
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder for the runs.  [default: runs/demo, or the next free name]",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8050,
    show_default=True,
    help="Port of the dashboard; if it is in use, the next free one.",
)
@click.option("--no-dashboard", is_flag=True, help="Only train and print the verdicts.")
@click.option(
    "--exit", "ends", is_flag=True, help="Exit after training instead of keeping the dashboard up."
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="Steps of each run.  [default: enough for about a minute]",
)
def demo(
    folder: Path | None, port: int, steps: int | None, *, no_dashboard: bool, ends: bool
) -> None:
    """Train a small language model at nine learning rates, and show the runs live.

    The text is Python's own standard library: nothing is downloaded. Takes about a minute, then
    serves the dashboard until Ctrl-C.
    """
    from lrwatch.cli.dashboard_process import DashboardProcess

    if find_spec("torch") is None:  # before a folder is made and a dashboard started for nothing
        raise ModuleNotFoundError("No module named 'torch'", name="torch")
    store = _new_folder(Path("runs/demo")) if folder is None else folder
    store.mkdir(parents=True, exist_ok=True)
    with _ended_by_sigterm(), ExitStack() as stack:
        dashboard = None if no_dashboard else DashboardProcess(store, port)
        if dashboard is not None:
            stack.enter_context(dashboard)
        address = _train(store, steps, dashboard)
        _print_verdicts(store)
        if dashboard is None or not address or ends:
            click.echo(f"To look at the runs: lrwatch dashboard {store}")
            return
        try:
            click.echo(f"Dashboard: {address}  (press Ctrl-C to stop)")
            dashboard.wait()
        except KeyboardInterrupt:
            click.echo()


def _new_folder(wanted: Path) -> Path:
    """Make a folder of this name, or of the next one that is free."""
    from lrwatch.plain_files import made_new
    from lrwatch.store.run_names import numbered

    wanted.parent.mkdir(parents=True, exist_ok=True)
    return made_new(map(wanted.with_name, numbered(wanted.name)))


def _train(store: Path, steps: int | None, dashboard: DashboardProcess | None) -> str:
    """Train with a progress bar, and return the dashboard's address; empty without one."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from lrwatch.demo import sweep

    n_steps = steps or sweep.N_STEPS
    address = dashboard.wait_until_ready() if dashboard is not None else ""
    click.echo(f"Training {len(sweep.TRIALS)} runs of {n_steps:,} steps into {store}")
    if address:
        click.echo(f"Watch them live: {address}")
    elif dashboard is not None:
        click.echo("The dashboard could not start; the runs are still recorded")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("step {task.completed:,} of {task.total:,}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        bar = progress.add_task("Training", total=n_steps)
        for done in sweep.train_sweep(store, n_steps=n_steps):
            progress.update(bar, completed=done)
    return address


def _print_verdicts(store: Path) -> None:
    from lrwatch.cli import listing
    from lrwatch.cli.judging import beside_siblings, judge_entry, worst_first
    from lrwatch.cli.output import emit
    from lrwatch.store import list_runs

    emit(listing.table(worst_first(beside_siblings(map(judge_entry, list_runs(store))))))


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the command in order, its dashboard included."""

    def end(*_: object) -> None:
        raise SystemExit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
