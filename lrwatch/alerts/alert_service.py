"""``lrwatch alert DIR``: one watcher a store, from start to end, whatever a look runs into."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from lrwatch.alerts.alert_watcher import AlertWatcher
from lrwatch.alerts.config import AlertSettings, read_settings
from lrwatch.alerts.watcher_state import WatcherState, read_state
from lrwatch.delivery import Message, Receiver, Sender, check_names
from lrwatch.errors import (
    InvalidArgument,
    LrwatchError,
    RunNotFound,
    StateUnreadable,
    StoreNotWritable,
)
from lrwatch.formats import printable
from lrwatch.plain_files import alerts_folder, made_folder, refuse_links
from lrwatch.store.ownership import Ownership

__all__ = ["AlertService"]

logger = logging.getLogger("lrwatch.alerts")

_PAUSE_SECONDS: Final = 1.0

_LONGEST_PAUSE_SECONDS: Final = 5.0
"""The pause is as long as the look took, up to this: a big store takes half a core at most, and
runs that have to be caught up with first do not make those that come after wait."""

_FOLDERS: Final = ("acks", "silences", "outbox", "outbox/done")

_DELIVERY_SECONDS: Final = 60.0
"""How long a single look waits for receivers."""


class AlertService:
    """Holds everything that watching a store needs; a context manager.

    Parameters
    ----------
    store, alone
        As `StoreWatch` has them.
    config
        A configuration file, looked at again whenever it changes.
    receivers
        Who gets messages, besides those in the configuration.
    home
        Folder in which ``.lrwatch-alerts`` is kept; the store, if ``None``.
    is_dry
        Write nothing and send nothing.

    Raises
    ------
    RunNotFound
        If the store does not exist or is not a folder.
    InvalidArgument
        If the configuration is not allowed, or there are no receivers.
    RunBusy
        If another process watches the store.
    StoreNotWritable
        If nothing can be written in `home`.
    """

    def __init__(
        self,
        store: Path,
        config: Path | None = None,
        *,
        receivers: Sequence[Receiver] = (),
        home: Path | None = None,
        is_dry: bool = False,
        alone: bool = False,
    ) -> None:
        if not store.is_dir():
            raise RunNotFound(f"{store} is not a folder; give the folder that holds the runs")
        self._store, self._config, self._home = store, config, home or store
        self._given, self._is_dry, self._alone = tuple(receivers), is_dry, alone
        self._config_stamp = self._seen_stamp = self._stamp()
        self._settings = read_settings(config)
        self._check(self._settings)
        self._problem = ""  # of the configuration
        self._said = ""  # of the last look
        self._ownership = None if is_dry else _own(self._home)
        try:
            state = _earlier(self._home, is_dry=is_dry)
            self._sender = None if is_dry else self._new_sender(state)
        except BaseException:
            self._release()
            raise
        self._watcher = self._new_watcher(state)

    def __enter__(self) -> AlertService:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._sender is not None:
                self._sender.close()
            self._watcher.note(self._problem)
        finally:
            self._release()

    @property
    def receivers(self) -> tuple[Receiver, ...]:
        """Who gets messages."""
        return (*self._given, *self._settings.receivers)

    def once(self) -> tuple[list[Message], list[str]]:
        """Look once, wait for delivery; return what was sent, and whom it did not reach.

        Raises
        ------
        RunNotFound
            If the store is not there.
        """
        sender = self._sender
        if sender is None:
            return self._watcher.look(self._problem, at_once=True), []
        before = {health.name: health.failed + health.dropped for health in sender.health()}
        messages = self._watcher.look(self._problem, at_once=True)
        sender.drain(_DELIVERY_SECONDS)
        missed = [
            f"{health.name} {health.problem or 'did not answer in time'}"
            for health in sender.health()
            if health.queued or health.failed + health.dropped > before[health.name]
        ]
        return messages, missed

    def run(self, stop: threading.Event, tell: Callable[[Message], None]) -> None:
        """Look again and again.

        Parameters
        ----------
        stop
            Ends it.
        tell
            Called with every message sent.
        """
        self._watcher.remember("started", receivers=[r.name for r in self.receivers])
        while not stop.is_set():
            self._reload_config()
            for message in self._look():
                tell(message)
            stop.wait(self._pause())

    def _pause(self) -> float:
        took = min(self._watcher.took_seconds, _LONGEST_PAUSE_SECONDS)
        pause = max(_PAUSE_SECONDS, took)
        # After a look that failed, what was due is due still: it must not be asked for at once.
        return pause if self._said else min(pause, self._watcher.seconds_to_wait())

    def _look(self) -> list[Message]:
        """Look; what goes wrong is said once, and tried again."""
        try:
            messages = self._watcher.look(self._problem)
        except Exception as error:  # the next look may fare better
            is_foreseen = isinstance(error, (LrwatchError, OSError))
            problem = str(error) if is_foreseen else f"{type(error).__name__}: {error}"
            if problem != self._said:
                logger.warning("%s", printable(problem), exc_info=None if is_foreseen else error)
                self._watcher.remember("problem", problem=problem)
            self._said = problem
            with contextlib.suppress(Exception):  # what the look ran into may be there still
                self._watcher.note(problem)
            return []
        self._said = ""
        return messages

    def _reload_config(self) -> None:
        stamp, before = self._stamp(), self._seen_stamp
        self._seen_stamp = stamp
        # One that has just changed may be half written: it has until the next look.
        if self._config is None or stamp == self._config_stamp or stamp != before:
            return
        self._config_stamp = stamp
        try:
            settings = read_settings(self._config)
            self._check(settings)
        except Exception as error:  # noqa: BLE001  people save what nobody thought of
            # The text of another error may hold an address, so its kind has to do.
            is_ours = isinstance(error, LrwatchError)
            problem = str(error) if is_ours else f"reading it failed with {type(error).__name__}"
            self._problem = f"the previous configuration stays in use: {problem}"
            logger.warning("%s", printable(self._problem))
            self._watcher.remember("config", problem=problem)
        else:
            self._take_config(settings)

    def _check(self, settings: AlertSettings) -> None:
        receivers = (*self._given, *settings.receivers)
        check_names(receivers)
        if not self._is_dry and not receivers:
            raise InvalidArgument(
                "there are no receivers: give --to URL, or a configuration that has some"
            )

    def _take_config(self, settings: AlertSettings) -> None:
        self._problem = ""
        if self._sender is not None:
            self._sender.close(is_replaced=True)
        self._settings = settings
        state = self._watcher.state()
        if self._sender is not None:
            self._sender = self._new_sender(state)
        self._watcher = self._new_watcher(state)
        self._watcher.remember("config", problem="")
        logger.warning("the configuration was reloaded")

    def _stamp(self) -> tuple[int, ...]:
        if self._config is None:
            return ()
        try:
            found = self._config.stat()
        except OSError:
            return (0,)
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _new_sender(self, state: WatcherState | None) -> Sender:
        return Sender(
            self.receivers,
            alerts_folder(self._home) / "outbox",
            health=() if state is None else state.receivers,
            after=0 if state is None else state.last_message,
        )

    def _new_watcher(self, state: WatcherState | None) -> AlertWatcher:
        return AlertWatcher(
            self._store,
            self._settings,
            home=self._home,
            sender=self._sender,
            state=state,
            alone=self._alone,
        )

    def _release(self) -> None:
        if self._ownership is not None:
            self._ownership.release()


def _earlier(home: Path, *, is_dry: bool) -> WatcherState | None:
    try:
        return read_state(home)
    except StateUnreadable as error:
        if not is_dry:
            # Better to say something twice than to say nothing; the file is kept for people.
            path = alerts_folder(home) / "state.json"
            with contextlib.suppress(OSError):  # what is written next says why
                path.replace(path.with_suffix(".json.damaged"))
        logger.warning("%s; alerts that still fire are sent again", error)
        return None


def _own(home: Path) -> Ownership:
    folder = alerts_folder(home)
    try:
        made_folder(folder)
        for name in _FOLDERS:
            refuse_links(folder / name)
        return Ownership(
            folder,
            "watcher.lock",
            otherwise="one watcher is enough for a store; end that process to start another one",
        )
    except OSError as error:
        raise StoreNotWritable(
            f"cannot save the watcher's state in {folder}: {error.strerror or error}; "
            "give another folder with --state DIR"
        ) from error
