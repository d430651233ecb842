"""Tokens of people: made once, kept as hashes, taken back at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from dashboard_views import FakeSource, curves
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.command import dashboard
from lrwatch_dashboard.security.access import Access
from lrwatch_dashboard.security.people import People, new_token, revoke, token_or_people
from lrwatch_dashboard.security.token import TokenError

from lrwatch.activity import Actor

HTML = {"Accept": "text/html"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people"


def _client(file: Path) -> Any:
    access = Access(people=People(file))
    return create_app(FakeSource(lines=curves()), access).server.test_client()


def test_a_token_is_its_owners_and_the_file_holds_nothing_of_it(file: Path) -> None:
    ann, bob = new_token("ann@x.org", "editor", file)[0], new_token("bob", "reader", file)[0]
    known = People(file)
    assert known.who(ann) == Actor("ann@x.org", "editor", "dashboard")
    assert known.who(bob) == Actor("bob", "reader", "dashboard")
    assert known.whose_session(known.session(bob)) == known.who(bob)
    text = file.read_text()
    held = [line.rpartition(":")[2] for line in text.splitlines()]
    for shown in (ann, bob, known.session(ann)):
        assert shown not in text
    # Neither what the file holds nor what a cookie holds is a token, nor the first a cookie.
    for wrong in (*held, known.session(ann), ann[:-1], ann + "x", "", "\x00", "é"):
        assert known.who(wrong) is None
    for wrong in (*held, ann, ""):
        assert known.whose_session(wrong) is None


def test_every_hash_is_compared_whole(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = [new_token(f"p{i}", "reader", file)[0] for i in range(5)]
    known, compared = People(file), []

    def compare(a: str, b: str) -> bool:
        compared.append((len(a), len(b)))
        return a == b

    monkeypatch.setattr("lrwatch_dashboard.security.people.hmac.compare_digest", compare)
    for token in (tokens[0], "wrong"):
        known.who(token)
    assert compared == [(64, 64)] * 10


def test_a_browser_signs_in_with_it_and_a_program_shows_it(file: Path) -> None:
    token = new_token("ann", "editor", file)[0]
    client = _client(file)
    assert client.get("/").status_code == 401
    assert client.post("/login", data={"token": "wrong"}).status_code == 401
    entered = client.post("/login", data={"token": f" {token} ", "next": "/sweep"})
    assert (entered.status_code, entered.headers["Location"]) == (303, "/sweep")
    (cookie,) = entered.headers.getlist("Set-Cookie")
    assert token not in cookie
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/"))
    assert client.get("/").status_code == 200
    stranger = _client(file)
    bearer = {"Authorization": f"Bearer {token}"}
    assert stranger.get("/metrics", headers=bearer).status_code == 200
    link = stranger.get(f"/run/a?token={token}", headers=HTML)
    assert "HttpOnly" in link.headers["Set-Cookie"]
    assert token not in link.get_data(as_text=True)


def test_a_session_outlives_a_restart_and_ends_with_its_line(file: Path) -> None:
    new_token("bob", "reader", file)
    token = new_token("ann", "editor", file)[0]
    client = _client(file)
    cookie = client.post("/login", data={"token": token}).headers["Set-Cookie"].partition(";")[0]
    restarted = create_app(FakeSource(lines=curves()), Access(people=People(file))).server
    again = restarted.test_client(use_cookies=False)
    assert again.get("/", headers={"Cookie": cookie}).status_code == 200
    revoke("ann", file)
    assert again.get("/", headers={"Cookie": cookie}).status_code == 401
    assert client.get("/").status_code == 401


def test_a_new_token_of_a_name_replaces_the_earlier_one_and_comments_stay(file: Path) -> None:
    file.write_text("# the team\n\n")
    first = new_token("ann", "reader", file)[0]
    other = new_token("ann.b", "reader", file)[0]
    second = new_token("ann", "editor", file)[0]
    known = People(file)
    assert known.who(first) is None
    assert known.who(second) == Actor("ann", "editor", "dashboard")
    assert known.who(other) is not None
    assert file.read_text().startswith("# the team\n\n")
    with pytest.raises(TokenError, match="there is no 'eve'"):
        revoke("eve", file)


def test_a_file_that_is_damaged_while_serving_lets_nobody_in(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = new_token("ann", "editor", file)[0]
    known, good = People(file), file.read_text()
    assert known.who(token)
    for bad in (good + "bob:editor:123\n", "", "ann"):
        file.write_text(bad)
        assert known.who(token) is None
    file.unlink()
    assert known.who(token) is None
    file.write_text(good)
    assert known.who(token)
    assert "nobody is let in by a token: line 2 of" in caplog.text
    assert "123" not in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_can_change_is_refused(file: Path, mode: int) -> None:
    new_token("ann", "editor", file)
    file.chmod(mode)
    with pytest.raises(TokenError, match="chmod go-w"):
        People(file)
    new_token("ann", "editor", file)  # which is the owner's to do, and puts that right
    People(file)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ann:editor:short", "line 1 of"),
        ("ann:admin:" + "0" * 64 + "\nbob:reader:x", "line 1 of"),
        ("bob:reader:" + "0" * 64 + "\na-token-by-mistake", "line 2 of"),
        ("# nobody yet\n", "lrwatch dashboard token NAME"),
        ("a b:editor:" + "0" * 64 + "\nx:reader:", "line 1 of"),
        ("ann:editor:" + "G" * 64, "line 1 of"),
    ],
)
def test_a_file_of_people_with_a_slip_is_refused_and_not_taken_for_a_token(
    file: Path, text: str, problem: str
) -> None:
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(TokenError) as error:
        token_or_people({}, str(file))
    assert problem in str(error.value)
    assert "mistake" not in str(error.value)


def test_a_file_with_one_token_is_that(file: Path) -> None:
    file.write_text("a-token-of-some-length")
    file.chmod(0o600)
    assert token_or_people({"LRWATCH_TOKEN_FILE": str(file)}) == ("a-token-of-some-length", None)
    assert token_or_people({}) == ("", None)
    new_token("ann", "reader", file.with_name("other"))
    token, known = token_or_people({"LRWATCH_TOKEN_FILE": str(file.with_name("other"))})
    assert token == ""
    assert known is not None
    assert repr(known) == f"People({str(file.with_name('other'))!r})"


# -- the command -------------------------------------------------------------------------------


def test_the_command_prints_the_token_once_and_keeps_its_hash(file: Path) -> None:
    made = CliRunner().invoke(dashboard, ["token", "ann", "--role", "editor", "--file", str(file)])
    assert made.exit_code == 0
    assert People(file).who(made.stdout.strip()) == Actor("ann", "editor", "dashboard")
    assert "shown once" in made.stderr
    printed = CliRunner().invoke(dashboard, ["token", "bob"])
    line = printed.stderr.splitlines()[-1]
    file.write_text(line)
    assert People(file).who(printed.stdout.strip()) == Actor("bob", "reader", "dashboard")
    gone = CliRunner().invoke(dashboard, ["token", "bob", "--revoke", "--file", str(file)])
    assert (gone.exit_code, gone.stdout, file.read_text().strip()) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["a:b"], "a name has 1 to 100"),
        (["a\nb"], "a name has 1 to 100"),
        (["ann", "--role", "admin"], "'admin' is not one of 'reader', 'editor'"),
        (["ann", "--revoke"], "needs the --file"),
        (["ann", "--revoke", "--file", "FILE"], "is not there"),
    ],
)
def test_a_slip_of_the_keyboard_is_one_line(file: Path, arguments: list[str], problem: str) -> None:
    given = [text.replace("FILE", str(file)) for text in arguments]
    ended = CliRunner().invoke(dashboard, ["token", *given])
    assert ended.exit_code == 2
    assert problem in ended.stderr
    assert not file.exists()


def test_a_folder_called_token_can_be_shown() -> None:
    shown = CliRunner().invoke(dashboard, ["./token", "--port", "x"])
    assert "--port must be a whole number" in shown.stderr
