"""What users rely on: names, options and exit statuses change on purpose or not at all."""

from __future__ import annotations

import inspect

import click
import pytest

import lrwatch
from lrwatch.cli.program import program

COMMANDS = {
    "check": ["paths", "--json", "--fail-on"],
    "dashboard": [
        "folder",
        "--host",
        "--port",
        "--token-file",
        "--allowed-host",
        "--behind-proxy",
    ],
    "demo": ["--dir", "--port", "--no-dashboard", "--exit", "--steps"],
    "export": ["run", "--to", "--force"],
    "ls": ["folder", "--json"],
    "run": ["--dir", "--name", "-m", "script", "arguments"],
}


def test_the_public_names_of_the_library() -> None:
    assert lrwatch.__all__ == [
        "Alarm",
        "Comparison",
        "Diagnosis",
        "Evidence",
        "LrwatchError",
        "Monitor",
        "Run",
        "RunGroup",
        "compare",
        "diagnose",
        "read",
        "watch",
    ]


@pytest.mark.parametrize("name", lrwatch.__all__)
def test_a_public_name_can_be_had_and_is_listed(name: str) -> None:
    assert getattr(lrwatch, name) is not None
    assert name in dir(lrwatch)


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (
            lrwatch.watch,
            {
                "optimizer",
                "dir",
                "name",
                "config",
                "model",
                "loss",
                "update_norm_every",
                "total_steps",
                "resume",
            },
        ),
        (lrwatch.read, {"path"}),
        (lrwatch.diagnose, {"total_steps"}),
        (lrwatch.Monitor, {"total_steps"}),
    ],
)
def test_a_function_takes_what_is_promised(function: object, options: set[str]) -> None:
    assert callable(function)
    assert options <= set(inspect.signature(function).parameters)


def test_the_commands() -> None:
    context = click.Context(program)
    assert program.list_commands(context) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_command(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    given = [
        parameter.opts[0] if isinstance(parameter, click.Option) else parameter.name
        for parameter in command.params
    ]
    assert given == COMMANDS[name]
