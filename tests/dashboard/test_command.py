from __future__ import annotations

import math
import socket
import time
from pathlib import Path
from typing import Any

import lrwatch_dashboard.server
import pytest
from click.testing import CliRunner
from lrwatch_dashboard.command import bind, dashboard
from lrwatch_dashboard.security.access import Access
from patience import ending_within
from stores import write_run

TOKEN = "a-token-of-some-length"


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Record what would be served, instead of serving it."""
    calls: list[dict[str, Any]] = []

    def serve(listener: socket.socket, root: str, access: Access, **how: bool) -> None:
        address = listener.getsockname()
        listener.close()
        calls.append({"address": address, "root": root, "access": access, "alone": False, **how})

    monkeypatch.setattr(lrwatch_dashboard.server, "serve", serve)
    for variable in ("LRWATCH_TOKEN", "LRWATCH_TOKEN_FILE"):
        monkeypatch.delenv(variable, raising=False)
    return calls


def _run(*arguments: str) -> Any:
    return CliRunner().invoke(dashboard, list(arguments))


def _refused(result: Any) -> str:
    """Return the one line of a refusal, after checking that it is one."""
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    lines: list[str] = result.stderr.splitlines()
    assert len(lines) == 1
    assert result.stdout == ""
    return lines[0]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_the_address_is_printed_and_served(tmp_path: Path, served: list[dict[str, Any]]) -> None:
    port = _free_port()
    result = _run(str(tmp_path), "--port", str(port))
    assert result.exit_code == 0
    assert f"http://127.0.0.1:{port}/" in result.stdout
    (call,) = served
    assert call["address"] == ("127.0.0.1", port)
    assert (call["root"], call["access"], call["alone"]) == (str(tmp_path), Access(), False)


def test_a_port_in_use_gives_the_next_free_one_and_says_so(
    tmp_path: Path, served: list[dict[str, Any]]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = _run(str(tmp_path), "--port", str(port))
    chosen = served[0]["address"][1]
    assert chosen > port
    assert f"Port {port} is in use; using {chosen} instead." in result.stdout
    assert f"http://127.0.0.1:{chosen}/" in result.stdout


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "80.5", "", "٣"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    said = _refused(_run(str(tmp_path), f"--port={port}"))
    assert "--port must be a whole number from 1 to 65535" in said
    assert repr(port) in said


def test_a_folder_that_is_still_to_come_is_served(
    tmp_path: Path, served: list[dict[str, Any]]
) -> None:
    assert _run(str(tmp_path / "none"), "--read-only").exit_code == 0
    assert served[0]["read_only"]
    assert not (tmp_path / "none").exists()


def test_alerts_are_sent_while_pages_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(
        tmp_path / "runs",
        "bad",
        values={"loss": [1.0] * 10 + [math.nan] * 90},
        steps=range(100),
        status=None,
    )
    told = tmp_path / "told.jsonl"

    def serve(listener: socket.socket, *_: Any, **how: bool) -> None:
        listener.close()
        with ending_within(60):
            while not (told.exists() and "bad" in told.read_text()):
                time.sleep(0.05)

    monkeypatch.setattr(lrwatch_dashboard.server, "serve", serve)
    result = _run(str(tmp_path / "runs"), "--alert", "--to", f"jsonl:{told}")
    assert result.exit_code == 0, result.output
    assert "alerting 1 receiver\n" in result.stdout
    assert "bad" in told.read_text()
    # The watcher has ended well: another one may begin.
    assert not (tmp_path / "runs" / ".lrwatch-alerts" / "watcher.lock").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(["--to", "log:"], "add --alert"), (["--alert", "--read-only"], "leave out --read-only")],
)
def test_options_that_do_not_go_together_are_refused(
    tmp_path: Path, arguments: list[str], problem: str
) -> None:
    assert problem in _refused(_run(str(tmp_path), *arguments))


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert "is not a folder" in _refused(_run(str(tmp_path / "file")))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_an_address_that_others_reach_is_refused_with_the_reason(tmp_path: Path, host: str) -> None:
    said = _refused(_run(str(tmp_path), "--host", host))
    assert host in said
    assert "without a password" in said
    assert "LRWATCH_TOKEN" in said
    assert "--behind-proxy" in said


def test_behind_a_proxy_such_an_address_is_served(
    tmp_path: Path, served: list[dict[str, Any]]
) -> None:
    result = _run(str(tmp_path), "--host", "0.0.0.0", "--port", str(_free_port()), "--behind-proxy")
    assert result.exit_code == 0
    access = served[0]["access"]
    assert access.allows("runs.example")
    assert not access.token


def test_behind_a_proxy_names_can_be_limited(tmp_path: Path, served: list[dict[str, Any]]) -> None:
    options = ("--port", str(_free_port()), "--behind-proxy", "--allowed-host", "Runs.example")
    assert _run(str(tmp_path), *options).exit_code == 0
    access = served[0]["access"]
    assert access.allows("runs.example")
    assert not access.allows("evil.example")


def test_with_a_token_an_open_address_is_served_and_the_token_not_said(
    tmp_path: Path, served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRWATCH_TOKEN", TOKEN)
    options = ("--host", "0.0.0.0", "--port", str(_free_port()), "--allowed-host", "gpu-7")
    result = _run(str(tmp_path), *options)
    assert result.exit_code == 0
    assert "asks for the token" in result.stdout
    assert f"http://{socket.gethostname()}:" in result.stdout
    assert TOKEN not in result.output
    access = served[0]["access"]
    assert access.token == TOKEN
    allowed = ["gpu-7", "192.0.2.1", "localhost", socket.gethostname()]
    assert all(access.allows(f"{name}:8050") for name in allowed)
    assert not access.allows("evil.example")


def test_with_a_token_this_machine_asks_for_it_too(
    tmp_path: Path, served: list[dict[str, Any]]
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN, encoding="utf-8")
    file.chmod(0o600)
    options = ("--port", str(_free_port()), "--token-file", str(file))
    assert _run(str(tmp_path), *options).exit_code == 0
    assert served[0]["access"].token == TOKEN


def test_a_weak_token_is_refused_before_anything_is_served(
    tmp_path: Path, served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRWATCH_TOKEN", "letmein")
    said = _refused(_run(str(tmp_path), "--host", "0.0.0.0"))
    assert "at least 16 characters" in said
    assert "letmein" not in said
    assert not served


def test_with_people_who_have_a_token_each_an_open_address_is_served(
    tmp_path: Path, served: list[dict[str, Any]]
) -> None:
    file = tmp_path / "people"
    assert _run("token", "ann", "--role", "editor", "--file", str(file)).exit_code == 0
    options = ("--host", "0.0.0.0", "--port", str(_free_port()), "--token-file", str(file))
    result = _run(str(tmp_path), *options)
    assert "asks who you are" in result.stdout
    access = served[0]["access"]
    assert access.people is not None
    assert access.allows("192.0.2.1:8050")
    assert not access.allows("evil.example")


def test_behind_a_proxy_that_signs_people_in_an_open_address_is_served(
    tmp_path: Path, served: list[dict[str, Any]]
) -> None:
    proxy = ("--user-header", "X-Forwarded-Email", "--trust-proxy", "10.0.0.0/8")
    more = ("--editor", "ann@x.org", "--editor", "group:ml", "--allowed-host", "runs.example")
    options = ("--host", "0.0.0.0", "--port", str(_free_port()), *proxy, *more)
    assert _run(str(tmp_path), *options).exit_code == 0
    access = served[0]["access"]
    assert (access.proxy.header, access.proxy.editors) == (
        "X-Forwarded-Email",
        {"ann@x.org", "group:ml"},
    )
    assert access.allows("runs.example")
    assert not access.allows("evil.example")


def test_a_header_that_anybody_can_send_is_refused(
    tmp_path: Path, served: list[dict[str, Any]]
) -> None:
    said = _refused(_run(str(tmp_path), "--host", "0.0.0.0", "--user-header", "X-User"))
    assert "anybody can send the header X-User; say with --trust-proxy" in said
    assert "--user-header" in _refused(_run(str(tmp_path), "--editor", "ann"))
    assert not served


def test_the_token_cannot_be_given_on_the_command_line(tmp_path: Path) -> None:
    assert _run(str(tmp_path), "--token", TOKEN).exit_code == 2
    names = {option for parameter in dashboard.params for option in parameter.opts}
    assert "--token" not in names


@pytest.mark.parametrize("name", ["http://gpu-7", "gpu-7:8050", "gpu-7/x", "", "*", "a b"])
def test_an_allowed_host_is_a_bare_name(tmp_path: Path, name: str) -> None:
    said = _refused(_run(str(tmp_path), f"--allowed-host={name}"))
    assert "--allowed-host must be the bare name in the browser" in said
    assert repr(name) in said


def test_a_host_that_cannot_be_bound_is_refused(tmp_path: Path) -> None:
    said = _refused(_run(str(tmp_path), "--host", "192.0.2.1", "--behind-proxy"))
    assert "cannot listen on 192.0.2.1:8050" in said


def test_a_host_that_is_no_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "create_server", unknown)  # no wait for a name server
    said = _refused(_run(str(tmp_path), "--host", "no such host", "--behind-proxy"))
    assert "cannot listen on no such host:8050 (Name or service not known)" in said


def test_ports_are_not_looked_for_beyond_the_last() -> None:
    try:
        first = bind("127.0.0.1", 65535)
    except OSError:
        pytest.skip("port 65535 is in use on this machine")
    with first, pytest.raises(OSError, match="65535 to 65535 are in use"):
        bind("127.0.0.1", 65535)


def test_alone_is_passed_on(tmp_path: Path, served: list[dict[str, Any]]) -> None:
    _run(str(tmp_path), "--port", str(_free_port()), "--alone")
    _run(str(tmp_path), "--port", str(_free_port()))
    assert [call["alone"] for call in served] == [True, False]
