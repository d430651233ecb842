"""Functions that are called with alerts, whatever they do."""

from __future__ import annotations

import logging
import sys
import threading

import pytest
from alert_samples import an_alert

from lrwatch.alerts import Alert
from lrwatch.alerts.training_thread import HandlerCalls


def leave(_: Alert) -> None:
    sys.exit(1)


def told_by(*functions: object, n_alerts: int = 2) -> threading.Event:
    calls, is_over = HandlerCalls(functions), threading.Event()  # type: ignore[arg-type]
    for _ in range(n_alerts):
        calls.put(an_alert())
    calls.end(is_over.set)
    return is_over


def test_a_function_that_would_end_the_program_is_logged_once_and_the_next_one_is_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[Alert] = []
    assert told_by(leave, seen.append).wait(60)
    assert len(seen) == 2
    (record,) = caplog.records
    assert "leave" in record.getMessage()


def test_logging_that_fails_is_no_reason_not_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise ValueError("closed")

    monkeypatch.setattr(logging.getLogger("lrwatch"), "handlers", [Broken()])
    seen: list[Alert] = []
    assert told_by(leave, seen.append).wait(60)
    assert len(seen) == 2
