from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alert_samples import diverge
from stores import write_run

from lrwatch.alerts.alert_service import AlertService
from lrwatch.alerts.alert_watcher import AlertWatcher
from lrwatch.alerts.history import read_history
from lrwatch.alerts.watcher_state import read_state
from lrwatch.delivery import Message, receiver_for
from lrwatch.errors import InvalidArgument, RunBusy, RunNotFound, StoreNotWritable
from lrwatch.plain_files import alerts_folder

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def service(
    store: Path, config: Path | None = None, *, home: Path | None = None, is_dry: bool = False
) -> AlertService:
    told = store.parent / "told.jsonl"
    return AlertService(
        store, config, receivers=[receiver_for(f"jsonl:{told}")], home=home, is_dry=is_dry
    )


def told(store: Path) -> list[str]:
    path = store.parent / "told.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["data"]["title"] for line in lines]


@contextmanager
def running(watch: AlertService) -> Iterator[None]:
    """Let a service look at its store, as often as it likes, while the test goes on."""
    stop = threading.Event()
    thread = threading.Thread(target=watch.run, args=(stop, lambda message: None))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def wait_for(condition: object, what: str) -> None:
    assert callable(condition)
    for _ in range(600):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError(what)


def save(config: Path, content: str) -> None:
    """Write a configuration as most editors do, so that nobody sees half of it."""
    draft = config.with_suffix(".draft")
    draft.write_text(content)
    draft.replace(config)


def test_once_tells_waits_and_remembers(store: Path) -> None:
    diverge(store, status="finished")
    for _ in range(2):
        with service(store) as watch:
            watch.once()
    assert told(store) == ["bad has ended; it was diverging"]


def test_a_dry_look_tells_nobody_and_writes_nothing(store: Path) -> None:
    diverge(store)
    with service(store, is_dry=True) as watch:
        messages, missed = watch.once()
    assert [message.title for message in messages] == ["bad is diverging"]
    assert missed == []
    assert told(store) == []
    assert not alerts_folder(store).exists()


def test_a_dry_look_knows_what_was_told(store: Path) -> None:
    diverge(store)
    with service(store) as watch:
        watch.once()
    with service(store, is_dry=True) as watch:
        assert watch.once() == ([], [])


def test_one_watcher_a_store(store: Path) -> None:
    with service(store), pytest.raises(RunBusy, match="one watcher is enough"):
        service(store)
    with service(store):
        pass


def test_a_dry_look_may_be_taken_beside_a_watcher(store: Path) -> None:
    with service(store), service(store, is_dry=True) as dry:
        assert dry.once() == ([], [])


def test_nobody_to_tell_is_an_error(store: Path) -> None:
    with pytest.raises(InvalidArgument, match="there are no receivers"):
        AlertService(store)
    assert not alerts_folder(store).exists()


def test_a_store_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound):
        service(tmp_path / "nowhere")


def test_a_mistake_lets_the_store_go_again(store: Path) -> None:
    receiver = receiver_for("log:")
    with pytest.raises(InvalidArgument, match="two receivers"):
        AlertService(store, receivers=[receiver, receiver])
    with service(store):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser can write everywhere")
def test_a_store_that_cannot_be_written_says_what_to_do(store: Path) -> None:
    store.chmod(0o500)
    with pytest.raises(StoreNotWritable, match="--state DIR"):
        service(store)


def test_a_file_where_the_folder_should_be_says_what_to_do(store: Path) -> None:
    alerts_folder(store).write_text("")
    with pytest.raises(StoreNotWritable, match="--state DIR"):
        service(store)


def test_the_state_can_be_kept_elsewhere(store: Path, tmp_path: Path) -> None:
    diverge(store)
    with service(store, home=tmp_path / "state") as watch:
        watch.once()
    assert read_state(tmp_path / "state") is not None
    assert not alerts_folder(store).exists()


@pytest.mark.parametrize("name", ["", "acks", "silences", "outbox", "outbox/done"])
def test_a_link_where_a_folder_should_be_says_what_to_do(
    store: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = alerts_folder(store) / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreNotWritable, match=r"is a symbolic link .*--state DIR"):
        service(store)


def test_a_state_that_cannot_even_be_noted_ends_nothing(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    looks = []

    def fail(*_given: object, **_options: object) -> None:
        looks.append(1)
        if len(looks) > 3:
            stop.set()
        raise RecursionError

    monkeypatch.setattr("lrwatch.alerts.alert_service._PAUSE_SECONDS", 0.0)
    with service(store) as watch, monkeypatch.context() as context:
        context.setattr(watch._watcher, "look", fail)
        context.setattr(watch._watcher, "note", fail)
        watch.run(stop, lambda message: None)
    assert len(looks) > 3


def test_a_damaged_state_is_put_aside(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    alerts_folder(store).mkdir()
    (alerts_folder(store) / "state.json").write_text("{")
    diverge(store)
    with service(store) as watch:
        watch.once()
    assert told(store) == ["bad is diverging"]
    assert (alerts_folder(store) / "state.json.damaged").exists()
    assert "is damaged" in caplog.text


def test_a_configuration_that_breaks_is_kept_as_it_was_and_mended_while_running(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.alerts.alert_service._PAUSE_SECONDS", 0.02)
    config = tmp_path / "lrwatch.toml"
    config.write_text("[timing]\ngroup_wait = 0\n[rules.diverging]\nenabled = false\n")

    def problem() -> str:
        state = read_state(store)
        return "" if state is None else state.watcher.problem

    diverge(store)
    with service(store, config) as watch, running(watch):
        wait_for(lambda: read_state(store) is not None, "it looks")
        save(config, "[timing]\ngroup_weight = 0\n")
        wait_for(lambda: "timing: it has unknown field group_weight" in problem(), "it says so")
        assert told(store) == []
        save(config, "[timing]\ngroup_wait = 0\n")
        wait_for(lambda: told(store) == ["bad is diverging"], "it takes the new one")
        wait_for(lambda: not problem(), "it says that all is well")
    events = [line for line in read_history(store) if line["event"] == "config"]
    assert [bool(line["problem"]) for line in events] == [True, False]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('[receivers.here]\nurl = "log:"\n', "two receivers are called here"),
        ("", "there are no receivers"),
        ('[receivers.team]\nurl_file = "~nobody-here/url"\n', "url_file must name a readable file"),
        ('[receivers.team]\nurl_file = "a\\u0000b"\n', "url_file must name a readable file"),
        ("a = " + "[" * 100_000, "nested too deeply"),
    ],
    ids=["same name", "no receivers", "home", "nul", "deep"],
)
def test_a_configuration_that_cannot_be_taken_leaves_everything_as_it_was(
    content: str,
    problem: str,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lrwatch.alerts.alert_service._PAUSE_SECONDS", 0.02)
    config = tmp_path / "lrwatch.toml"
    usual = f'[timing]\ngroup_wait = 0\n[receivers.team]\nurl = "jsonl:{tmp_path}/told.jsonl"\n'
    config.write_text(usual)
    given = [receiver_for("log:", name="here")] if "here]" in content else []

    def problems() -> list[str]:
        return [line["problem"] for line in read_history(store) if line["event"] == "config"]

    with AlertService(store, config, receivers=given) as watch, running(watch):
        save(config, content)
        wait_for(problems, "it says so")
        assert problem in problems()[0]
        diverge(store)
        wait_for(lambda: told(store) == ["bad is diverging"], "it goes on with the old one")
        save(config, usual)
        wait_for(lambda: len(problems()) == 2, "it takes the next one")
    assert problems()[1] == ""


def test_a_configuration_that_is_being_written_is_left_until_it_is_whole(
    store: Path, tmp_path: Path
) -> None:
    config = tmp_path / "lrwatch.toml"
    usual = "[rules.diverging]\nenabled = false\n"
    save(config, usual)
    diverge(store)
    contents = iter(["", usual])

    class Looks(threading.Event):
        """Lets no time pass between looks; each finds another content."""

        def wait(self, timeout: float | None = None) -> bool:
            content = next(contents, None)
            if content is None:
                self.set()
            else:
                save(config, content)
            return self.is_set()

    with service(store, config) as watch:
        watch.run(Looks(), lambda message: None)
    assert told(store) == []
    assert not [line for line in read_history(store) if line["event"] == "config"]


def test_what_nobody_foresaw_in_a_configuration_is_said_without_its_text(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.alerts.alert_service._PAUSE_SECONDS", 0.02)
    config = tmp_path / "lrwatch.toml"
    save(config, "[timing]\ngroup_wait = 0\n")

    def broken(path: Path) -> None:
        raise ZeroDivisionError("https://example.com/secret")

    def problems() -> list[str]:
        return [line["problem"] for line in read_history(store) if line["event"] == "config"]

    with service(store, config) as watch, running(watch):
        monkeypatch.setattr("lrwatch.alerts.alert_service.read_settings", broken)
        save(config, "# saved\n")
        wait_for(problems, "it says so")
    assert problems() == ["reading it failed with ZeroDivisionError"]


def test_a_look_that_fails_is_said_once_and_the_watch_goes_on(
    store: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lrwatch.alerts.alert_service._PAUSE_SECONDS", 0.02)
    looks: list[int] = []
    look = AlertWatcher.look

    def sometimes(watcher: AlertWatcher, problem: str = "") -> list[Message]:
        looks.append(1)
        if len(looks) < 4:
            raise ZeroDivisionError("what nobody thought of")
        return look(watcher, problem)

    monkeypatch.setattr(AlertWatcher, "look", sometimes)
    diverge(store)
    with service(store) as watch, running(watch):
        wait_for(lambda: told(store), "it goes on")
    assert caplog.text.count("Traceback") == 1
    problems = [line for line in read_history(store) if line["event"] == "problem"]
    assert [line["problem"] for line in problems] == ["ZeroDivisionError: what nobody thought of"]


def test_a_store_that_vanishes_and_comes_back_is_watched_on(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.alerts.alert_service._PAUSE_SECONDS", 0.02)
    home, away = store.parent / "state", store.parent / "away"
    write_run(store, "good")
    with service(store, home=home) as watch, running(watch):
        store.rename(away)

        def problem() -> str:
            state = read_state(home)
            return "" if state is None else state.watcher.problem

        wait_for(lambda: "does not exist" in problem(), "it says so")
        away.rename(store)
        diverge(store)
        wait_for(lambda: told(store) == ["bad is diverging"], "it goes on")
        wait_for(lambda: not problem(), "it says that all is well")
