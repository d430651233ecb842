"""A zoom that ends where a live run does goes on with it; one that does not offers to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import eq
from pathlib import Path
from typing import Any

import pytest
from browser import LAST_STEP, RANGE, train, until, zoom_by_mouse
from stores import new_writer, write_run

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@pytest.mark.parametrize("path", ["/run/live", "/compare?runs=live,done&others=off"])
def test_a_zoom_at_the_end_of_a_live_run_follows_it(
    store: Path, open_page: Callable[..., Any], path: str
) -> None:
    done, live = new_writer(store, "done"), new_writer(store, "live")
    train(done, range(50))
    done.close("finished")
    train(live, range(400))
    page = open_page(path)
    until(page, LAST_STEP, partial(eq, 399))
    zoom_by_mouse(page, 0.5, 1.0)
    first, last = until(page, RANGE, lambda r: r[0] > 150)
    assert last == pytest.approx(399, abs=1)
    assert "last=" in page.url
    train(live, range(400, 800))
    until(page, RANGE, lambda r: r[1] == pytest.approx(799, abs=1))
    assert page.evaluate(RANGE)[0] == pytest.approx(799 - (last - first), abs=1)
    assert page.locator(".to-live").is_hidden()

    page.reload()
    until(page, LAST_STEP, partial(eq, 799))
    until(page, RANGE, lambda r: r[1] == pytest.approx(799, abs=1) and r[0] > 500)
    page.locator("button", has_text="Show all").click()
    until(page, RANGE, lambda r: r[0] < 1)
    assert "last=" not in page.url
    live.close("finished")


def test_a_zoom_into_the_past_stays_and_leads_back_to_the_present(
    store: Path, open_page: Callable[..., Any]
) -> None:
    writer = new_writer(store, "live")
    train(writer, range(400))
    page = open_page("/run/live?from=100&to=200")
    until(page, LAST_STEP, partial(eq, 399))
    page.locator(".to-live").wait_for()
    page.locator(".to-live").click()
    until(page, RANGE, lambda r: r == pytest.approx([299, 399], abs=1))
    assert page.url.endswith("/run/live?last=100")
    assert page.locator(".to-live").is_hidden()
    train(writer, range(400, 500))
    until(page, RANGE, lambda r: r == pytest.approx([399, 499], abs=1))

    writer.close("finished")
    page.goto(page.url.replace("last=100", "from=100&to=200"))
    until(page, LAST_STEP, partial(eq, 499))
    until(page, RANGE, lambda r: r == pytest.approx([100, 200], abs=1))
    page.locator(".status", has_text="finished").wait_for()
    assert page.locator(".to-live").is_hidden()


LOG = "() => document.querySelector('.js-plotly-plot')?.layout?.yaxis?.type"


def test_an_answer_that_takes_longer_than_a_tick_is_awaited_and_the_newest_is_shown(
    store: Path, open_page: Callable[..., Any]
) -> None:
    write_run(store, "a", steps=range(50), values={"loss": [2.0 - 0.02 * s for s in range(50)]})
    held: list[Any] = []
    news: list[Any] = []

    def hold(route: Any) -> None:
        asked = route.request.post_data
        is_drawing = '"id":"run-graph","property":"figure"' in asked
        news.extend(["news"] * ('"id":"run-status"' in asked))
        held.append(route) if is_drawing else route.continue_()

    def ticks(page: Any, n: int) -> None:
        """Wait for so many further ones."""
        news.clear()
        until(page, "() => 0", lambda _: len(news) >= n)

    page = open_page("/help")
    page.route("**/_dash-update-component**", hold)
    page.goto(page.url.replace("/help", "/run/a"))
    ticks(page, 4)  # while the chart is awaited
    assert len(held) == 1
    page.locator(".choice[data-view='y=log']").click()
    until(page, "() => 0", lambda _: len(held) > 1)
    ticks(page, 3)
    late, newest = held
    newest.continue_()
    until(page, LOG, partial(eq, "log"))
    late.continue_()
    ticks(page, 2)
    assert page.evaluate(LOG) == "log"
    page.unroute_all(behavior="ignoreErrors")


PUSHED = "() => document.querySelector('#compare-table .scroll-x').scrollLeft"
UNFOLDED = "() => document.querySelectorAll('#compare-table details[open]').length"
FOLDED_AS_NEWS_COME = """() => {
    document.querySelector('#compare-table summary').click();
    document.body.append(document.createElement('i'));
}"""


def test_what_is_unfolded_or_pushed_sideways_stays_so_as_news_come(
    store: Path, open_page: Callable[..., Any]
) -> None:
    config = {"width": 16, "lr": 0.1}
    done, live = (new_writer(store, name, config=config) for name in ("done", "live"))
    train(done, range(50))
    done.close("finished")
    train(live, range(400))
    page = open_page("/compare?runs=live,done", width=420)
    until(page, LAST_STEP, partial(eq, 399))
    page.locator("#compare-table summary").click()
    page.locator("#compare-table details[open]").wait_for()
    page.evaluate("() => document.querySelector('#compare-table .scroll-x').scrollTo(90, 0)")
    until(page, PUSHED, partial(eq, 90))
    page.wait_for_timeout(100)  # for the events of both
    train(live, range(400, 800))
    until(page, LAST_STEP, partial(eq, 799))
    page.locator("#compare-table details[open]").wait_for()
    until(page, PUSHED, partial(eq, 90))
    page.evaluate(FOLDED_AS_NEWS_COME)
    until(page, UNFOLDED, partial(eq, 0))
    live.close("finished")
