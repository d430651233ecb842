"""A team in a real browser: an editor changes something, a reader sees who did and may look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from accessibility import AXE, SERIOUS
from browser import PATIENCE_SECONDS
from lrwatch_dashboard.security.people import new_token
from serving import served
from stores import write_run

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@pytest.fixture
def team(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve two runs by the real command, and return where, and the token of each person."""
    for name in ("a", "b"):
        write_run(tmp_path / "runs", name, steps=range(50))
    people = tmp_path / "people"
    roles = {"ann@example.org": "editor", "bob": "reader"}
    tokens = {name: new_token(name, role, people)[0] for name, role in roles.items()}  # type: ignore[arg-type]
    with served(tmp_path / "runs", "--port", "18550", "--token-file", people) as address:
        yield address, tokens


def _signed_in(
    browser: Any, address: str, token: str, *, width: int = 1200, theme: str = "light"
) -> Any:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    page.goto(address)
    page.locator("#token").fill(token)
    page.locator("button").click()
    page.locator(".run-link").first.wait_for()
    return page


def test_an_editor_changes_something_and_a_reader_sees_who_did(
    browser: Any, team: tuple[str, dict[str, str]]
) -> None:
    address, tokens = team
    ann = _signed_in(browser, address, tokens["ann@example.org"])
    assert "ann@example.org" in ann.locator("#who").inner_text()
    ann.locator(".ag-row .ag-checkbox-input").first.click(force=True)
    ann.locator("#pin-button").click()
    ann.locator("#run-news", has_text="Pinned 1 run").wait_for()

    bob = _signed_in(browser, address, tokens["bob"], width=420, theme="dark")
    assert bob.locator("#who").get_attribute("title") == "Signed in as bob: may only look"
    assert bob.locator("#pin-button").count() == 0
    bob.goto(address + "/alerts")
    bob.locator(".card", has_text="Who did what").wait_for()
    assert "pinned" in bob.locator("[data-part=activity]").inner_text()
    assert "by ann@example.org" in bob.locator("[data-part=activity]").inner_text()
    assert not bob.locator("[data-silence]").first.is_visible()
    assert bob.evaluate("document.documentElement.scrollWidth") == 420
    bob.evaluate(AXE.read_text("utf-8"))
    assert bob.evaluate(SERIOUS) == []
    bob.locator("[data-part=activity] a").first.click()
    bob.locator(".activity", has_text="pinned by ann@example.org").wait_for()
    bob.evaluate(AXE.read_text("utf-8"))
    assert bob.evaluate(SERIOUS) == []

    ann.goto(address + "/alerts")
    ann.locator(".card", has_text="Who did what").wait_for()
    ann.evaluate(AXE.read_text("utf-8"))
    assert ann.evaluate(SERIOUS) == []
    ann.locator("text=New silence").click()
    assert ann.locator("#silence-by").input_value() == "ann@example.org"
    assert ann.locator("#silence-by").is_disabled()


def test_what_a_reader_sends_from_the_console_is_refused_and_said(
    browser: Any, team: tuple[str, dict[str, str]]
) -> None:
    address, tokens = team
    bob = _signed_in(browser, address, tokens["bob"])
    asked = "{data: {do: 'delete', runs: ['a'], at: 1}}"
    bob.evaluate(f"window.dash_clientside.set_props('overview-asked', {asked})")
    bob.locator("#run-news", has_text="only an editor may do that, and bob is a reader").wait_for()
