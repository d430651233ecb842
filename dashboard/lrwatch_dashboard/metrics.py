"""``/metrics``: runs, alerts and the health of those who watch, for Prometheus.

Every number is taken when it is asked for. Series are bounded: only `lrwatch_run_...` has one a
run, and of running runs the `MOST_RUNS` that have waited longest.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from dash import Dash
from flask import Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lrwatch.judging.rows import text
from lrwatch.version import VERSION
from lrwatch_dashboard.alert_views import AlertBoard
from lrwatch_dashboard.views import RunSource, RunView

__all__ = ["MOST_RUNS", "StoreCollector", "add_metrics"]

MOST_RUNS: Final = 100
Values = Iterable[tuple[Sequence[str], float]]
"""Texts of the labels, and a value."""

_GIVEN_UP_SECONDS: Final = 24 * 3600.0  # a run silent for longer has been given up by everybody


class StoreCollector(Collector):
    """Collects the metrics of one store.

    Parameters
    ----------
    source
        Where runs and alerts come from.
    clock
        Returns seconds since the Unix epoch.
    """

    def __init__(self, source: RunSource, clock: Callable[[], float] = time.time) -> None:
        self._source = source
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Yield every metric as it stands."""
        now = self._clock()
        yield _gauges(
            "lrwatch_build_info",
            "Version of lrwatch; always 1",
            ("version",),
            [((VERSION,), 1)],
        )
        yield from _runs(self._source.overview().rows, now)
        yield from _dashboard(self._source)
        board = self._source.alerts.board()
        yield _gauges(
            "lrwatch_alerts",
            "Alerts by rule, severity and state: the watcher's, or what the dashboard itself sees "
            "firing while no watcher follows the store",
            ("rule", "severity", "state"),
            board.by_state.items(),
        )
        yield from _watcher(board, now)
        yield from _receivers(board)


def add_metrics(app: Dash, source: RunSource) -> None:
    """Serve the metrics of a store in the format that the scraper asks for."""
    registry = CollectorRegistry()
    registry.register(StoreCollector(source))

    def metrics() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type)

    app.server.add_url_rule("/metrics", "metrics", metrics)


def _runs(rows: Sequence[RunView], now: float) -> Iterator[Metric]:
    yield _gauges(
        "lrwatch_runs",
        "Runs in the store by verdict and by what they are doing",
        ("verdict", "state"),
        Counter((row.verdict, row.state) for row in rows).items(),
    )
    open_ = [row for row in rows if row.state in ("running", "silent")]
    ages = [(max(now - row.updated_at, 0.0), row.key) for row in open_]
    waiting = sorted((pair for pair in ages if pair[0] <= _GIVEN_UP_SECONDS), reverse=True)
    yield _gauges(
        "lrwatch_run_last_row_age_seconds",
        f"Time since a running run wrote its last row; of the {MOST_RUNS} that have waited "
        "longest, and not of those silent for more than a day",
        ("run",),
        [((key,), age) for age, key in waiting[:MOST_RUNS]],
    )


def _dashboard(source: RunSource) -> Iterator[Metric]:
    yield _gauge("lrwatch_store_readable", "Whether the folder can be listed", not source.healthy())
    looked_ago = source.looked_ago()
    if looked_ago is not None:
        yield _gauge(
            "lrwatch_dashboard_last_look_age_seconds",
            "Time since the dashboard last looked at the store",
            looked_ago,
        )


def _watcher(board: AlertBoard, now: float) -> Iterator[Metric]:
    watcher = board.watcher
    yield _gauge(
        "lrwatch_watcher_up",
        "Whether lrwatch alert follows the store",
        board.is_followed,
    )
    yield _gauge("lrwatch_silences", "Silences in force", len(board.silences))
    if watcher is None:
        return
    yield _gauge(
        "lrwatch_watcher_last_look_age_seconds",
        "Time since lrwatch alert last looked at the store",
        max(now - watcher.looked_at, 0.0),
    )
    yield _gauge(
        "lrwatch_watcher_look_duration_seconds",
        "How long the last look of lrwatch alert took",
        watcher.took_seconds,
    )
    yield _gauge("lrwatch_watcher_runs", "Runs that lrwatch alert knows of", watcher.n_runs)
    yield _gauge(
        "lrwatch_watcher_problem",
        "Whether something keeps lrwatch alert from its work; the Alerts page says what",
        bool(watcher.problem),
    )


def _receivers(board: AlertBoard) -> Iterator[Metric]:
    yield _counter(board, "sent", "Messages that a receiver took")
    yield _counter(board, "failed", "Messages that were given up after all attempts failed")
    yield _counter(board, "dropped", "Messages that were thrown out of a full queue")
    yield _gauges(
        "lrwatch_receiver_queued",
        "Messages that wait for a receiver",
        ("receiver",),
        [((receiver.name,), receiver.queued) for receiver in board.receivers],
    )


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _gauges(name: str, meaning: str, labels: Sequence[str], values: Values) -> Metric:
    return _filled(GaugeMetricFamily(name, meaning, labels=labels), values)


def _counter(board: AlertBoard, what: str, meaning: str) -> Metric:
    family = CounterMetricFamily(f"lrwatch_receiver_{what}", meaning, labels=["receiver"])
    return _filled(family, [((r.name,), getattr(r, what)) for r in board.receivers])


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Values) -> Metric:
    """Add samples, each set of labels once: a scrape with two alike is refused whole."""
    known = {tuple(map(text, texts)): value for texts, value in values}
    for texts, value in sorted(known.items()):
        family.add_metric(texts, value)
    return family
