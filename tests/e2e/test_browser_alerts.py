"""The Alerts page in a real browser: every state of it, and what can be said to an alert."""

from __future__ import annotations

import contextlib
import json
import math
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from accessibility import AXE, SERIOUS, SIDEWAYS
from alert_boards import known, watched
from attacks import ATTACKS
from browser import until
from processes import started
from stores import new_writer, row, write_run

from lrwatch.alerts.history import add_history
from lrwatch.alerts.silences import Matcher, acknowledgements, add_silence, silences
from lrwatch.alerts.watcher_state import read_state
from lrwatch.plain_files import alerts_folder

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

AS_THE_PAGE_COMES = "() => window.dash_clientside.lrwatchAlerts.silenced(null)"
COUNT = "() => document.querySelector('#alert-count').textContent"
SEARCH = "() => location.pathname + location.search"


def break_down(writer: Any, steps: range) -> None:
    """Write steps whose loss is not finite."""
    nan = math.nan
    for step in steps:
        values = {"loss": nan, "grad_norm": nan, "update_norm": nan, "param_norm": nan}
        writer.append(row(step, writer, **values))


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Return a function that has the real watcher follow a store."""
    with contextlib.ExitStack() as stack:

        def follow(store: Path) -> None:
            receiver = f"jsonl:{tmp_path / 'messages.jsonl'}"
            stack.enter_context(started("alert", store, "--to", receiver))

        yield follow


@pytest.fixture
def followed(store: Path) -> Path:
    """Return a store that a watcher follows, with alerts of every kind."""
    for name in ("a", "b", "c"):
        write_run(store, name, steps=range(100))
    now = time.time()
    watched(
        store,
        known("a", time=now - 180),
        known("b", rule="too_high", severity="ticket", verdict="oscillating", time=now - 3600),
        known("c", rule="no_data", verdict="insufficient_data", interval=None, time=now - 60),
        known("a", rule="too_low", severity="info", verdict="too_low", told=False),
        known("b", rule="stalled", state="resolved", verdict="stalled", time=now - 9000),
        *(known(f"gone-{i}", time=now - 7000) for i in range(8)),
        looked_at=now + 3600,  # keeps it followed for as long as the test takes
    )
    add_silence(store, Matcher(run="c"), seconds=3600, reason="rebooted", by="Ben")
    add_history(store, "sent", receiver="pager", title="a is diverging")
    return store


def test_what_a_watcher_told_is_shown_and_leads_to_the_steps(
    followed: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("/alerts")
    first = page.locator(".alert").first
    assert "diverging" in first.inner_text()
    sent = re.search(r"sent (\d+) min ago", first.inner_text())
    waited = time.time() - (followed / "a").stat().st_mtime  # its writing came just before
    assert sent is not None
    assert 3 <= int(sent[1]) <= 3.5 + waited / 60
    assert "Watched by lrwatch alert on gpu-7" in page.locator(".health").inner_text()
    assert page.title() == "Alerts · lrwatch" or until(page, "() => document.title", bool)
    until(page, COUNT, lambda n: n == "10")
    page.locator(".more-alerts summary").click()
    page.locator(".alert-run", has_text="gone-7").wait_for()
    page.locator(".alert", has_text="silenced: rebooted").wait_for()
    page.locator(".alert-run", has_text="a").first.click()
    until(page, SEARCH, lambda address: address == "/run/a?from=20&to=80")


def test_an_alert_is_acknowledged_and_the_page_says_so(
    followed: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("/alerts?rule=too_high")
    page.locator(".alert").wait_for()
    assert page.locator(".alert").count() == 1
    page.locator("button", has_text="Acknowledge").click()
    page.locator(".alert", has_text="somebody is on it").wait_for()
    page.locator(".said", has_text="Acknowledged").wait_for()
    assert list(acknowledgements(followed)) == [(known("b", rule="too_high").alert.id, 1)]
    until(page, COUNT, lambda n: n == "9")
    page.locator("a", has_text="Show all").click()
    page.locator(".alert").nth(2).wait_for()


def test_a_form_that_was_opened_before_the_page_had_come_stays_open(
    followed: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("/alerts")
    page.locator(".alert", has_text="oscillating").locator("button", has_text="Silence").click()
    page.locator("#silence").wait_for()
    page.evaluate(AS_THE_PAGE_COMES)
    assert page.locator("#silence").is_visible()


def test_an_alert_is_silenced_by_a_form_that_asks_for_a_reason_and_an_end(
    followed: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("/alerts")
    page.locator(".alert", has_text="oscillating").locator("button", has_text="Silence").click()
    form = page.locator("#silence")
    form.wait_for()
    until(page, "() => document.querySelector('#silence-run').value", lambda run: run == "b")
    page.keyboard.press("p")  # while one types, no key pauses the page
    page.locator("#silence-reason").fill("")
    page.locator("#silence-send").click()
    form.locator(".problem", has_text="Give a reason").wait_for()
    page.locator("#silence-reason").fill("<b>known</b>")
    form.locator("button", has_text="1 day").click()
    page.locator("#silence-by").fill("Anna")
    page.keyboard.press("Enter")
    form.wait_for(state="hidden")
    page.locator(".alert", has_text="silenced: <b>known</b>").wait_for()
    page.locator("[data-part=silences] li", has_text="too high on b").wait_for()
    assert page.locator("#pause").inner_text() == "live"
    (silence,) = [s for s in silences(followed) if s.by == "Anna"]
    assert (silence.matcher.run, silence.matcher.rule) == ("b", "too_high")
    assert silence.ends_at - time.time() == pytest.approx(24 * 3600, abs=60)
    assert not silence.until_worse

    page.locator("[data-part=silences] li", has_text="too high on b").locator(
        "button", has_text="End now"
    ).click()
    page.locator(".said", has_text="Silence ended").wait_for()
    assert [s.by for s in silences(followed)] == ["Ben"]

    page.locator("button", has_text="New silence").click()
    form.locator("button", has_text="gets worse").click()
    page.locator("#silence-run").fill("sweep/*")
    page.locator("#silence-reason").fill("planned")
    page.locator("#silence-send").click()
    page.locator("[data-part=silences] li", has_text="every alert on sweep/*").wait_for()
    page.locator(
        "[data-part=silences] li", has_text="planned, by Anna; until it gets worse"
    ).wait_for()

    page.locator("button", has_text="New silence").click()
    form.wait_for()
    page.keyboard.press("Escape")
    form.wait_for(state="hidden")


def test_without_a_watcher_the_page_says_what_nobody_is_told_of_and_lives(
    store: Path, open_page: Callable[..., Any]
) -> None:
    writer = new_writer(store, "run")
    for step in range(60):
        writer.append(row(step, writer, loss=2.0 - step / 100))
    page = open_page()
    page.locator(".run-link", has_text="run").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.locator(".calm", has_text="Nothing to alert on.").wait_for()
    page.locator(".health", has_text="No watcher is running").wait_for()
    assert page.locator("nav a[aria-current=page]").inner_text() == "Alerts"

    break_down(writer, range(60, 200))
    page.locator("h2", has_text="Would alert now, but no watcher is running").wait_for()
    page.locator(".alert", has_text="not finite").wait_for()
    until(page, COUNT, lambda n: n == "1")
    page.locator("button", has_text="Acknowledge").click()
    page.locator(".part", has_text="is on it").wait_for()
    until(page, COUNT, lambda n: not n)

    watched(store, known("run"), looked_at=time.time())
    page.locator("h2", has_text="Firing").wait_for()
    page.locator(".health", has_text="Watched by").wait_for()
    writer.abandon()


def test_what_the_page_says_reaches_the_watcher_that_follows(
    store: Path, open_page: Callable[..., Any], follow: Callable[[Path], None]
) -> None:
    writer = new_writer(store, "run")
    for step in range(60):
        writer.append(row(step, writer, loss=2.0 - step / 100))
    break_down(writer, range(60, 200))
    page = open_page("/alerts")
    page.locator(".alert", has_text="not finite").wait_for()
    follow(store)
    page.locator(".health", has_text="Watched by").wait_for()
    page.locator(".part", has_text="sent").wait_for()
    page.locator(".alert-table", has_text="messages.jsonl").wait_for()
    page.locator("button", has_text="Acknowledge").click()
    page.locator(".alert", has_text="somebody is on it").wait_for()
    page.locator(".history summary").click()
    page.locator(".history tr", has_text="acknowledged").wait_for()
    known_by = [one.acknowledged_by for one in read_state(store).alerts]  # type: ignore[union-attr]
    assert known_by == ["somebody"]
    writer.abandon()


def test_a_store_that_cannot_be_written_to_is_said(
    store: Path, open_page: Callable[..., Any]
) -> None:
    write_run(store, "run", steps=range(20))
    alerts_folder(store).write_text("in the way", encoding="utf-8")
    page = open_page("/alerts")
    page.locator(".problem", has_text="state.json").wait_for()
    page.locator("button", has_text="New silence").click()
    page.locator("#silence-reason").fill("known")
    page.locator("#silence-send").click()
    page.locator("#silence .problem", has_text="Cannot write to the folder of runs").wait_for()


def test_no_text_of_a_watcher_becomes_markup(store: Path, open_page: Callable[..., Any]) -> None:
    alerts = [
        known(name.replace("/", "\u2215"), rule=f"rule {i} {name}", run_id=str(i), reason=name,
              advice=name)
        for i, name in enumerate(ATTACKS)
    ]  # fmt: skip
    watched(store, *alerts, looked_at=time.time() + 3600)
    for attack in ATTACKS:
        add_silence(store, Matcher(run=attack), seconds=3600, reason=attack, by=attack)
        add_history(store, "sent", receiver=attack, title=attack)
    page = open_page("/alerts")
    page.locator(".alert").nth(len(ATTACKS) - 1).wait_for()
    page.locator(".history summary").click()
    made = "main img, main svg, main iframe, main b, main script, [onerror], [onmouseover]"
    assert page.locator(made).count() == 0
    links = page.evaluate("[...document.querySelectorAll('a')].map(a => a.protocol)")
    assert set(links) <= {"http:"}
    page.locator("button", has_text="Silence").first.click()
    page.locator("#silence").wait_for()
    assert page.evaluate("window.owned") is None


@pytest.mark.parametrize(("width", "theme"), [(420, "dark"), (1200, "light"), (2000, "dark")])
def test_the_page_keeps_nobody_out_in_both_themes_wide_and_narrow(
    followed: Path, open_page: Callable[..., Any], width: int, theme: str
) -> None:
    page = open_page("/alerts", width=width, theme=theme)
    page.locator(".alert").first.wait_for()
    page.locator(".history summary").click()
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(SERIOUS) == []
    assert page.evaluate(SIDEWAYS) <= 0
    page.locator("button", has_text="New silence").click()
    page.locator("#silence").wait_for()
    assert page.evaluate(SERIOUS) == []
    assert page.evaluate(SIDEWAYS) <= 0


def test_a_folded_list_stays_open_and_the_focus_where_it_is_while_the_page_lives(
    followed: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("/alerts")
    page.locator(".more-alerts summary").click()
    page.locator(".alert button", has_text="Silence").first.focus()
    path = alerts_folder(followed) / "state.json"
    content = json.loads(path.read_text("utf-8"))
    content["receivers"][0]["sent"] = 77
    path.write_text(json.dumps(content), encoding="utf-8")
    page.locator(".alert-table td", has_text="77").wait_for()
    assert page.locator(".more-alerts").evaluate("element => element.open")
    assert page.evaluate("() => document.activeElement.textContent") == "Silence"


def test_the_metrics_are_text_for_a_scraper(followed: Path, address: str, open_page: Any) -> None:
    page = open_page("/alerts")
    answer = page.request.get(address + "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'lrwatch_alerts{rule="diverging",severity="page",state="firing"} 9.0' in answer.text()
    assert 'lrwatch_receiver_sent_total{receiver="pager"} 4.0' in answer.text()
