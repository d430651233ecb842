"""What users rely on: names, options and exit statuses change on purpose or not at all."""

from __future__ import annotations

import importlib
import inspect

import click
import pytest

import lrwatch
from lrwatch.cli.program import program
from lrwatch.recording.watcher import _Keywords

COMMANDS = {
    "alert": [],
    "archive": ["runs", "--undo"],
    "check": [
        "paths",
        "--json",
        "--fail-on",
        "--filter",
        "--alone",
        "--loss",
        "--lr",
        "--step",
        "--every",
        "--jobs",
        "--dask",
    ],
    "compare": ["folder", "--json", "--jobs", "--dask"],
    "dashboard": [
        "folder",
        "--host",
        "--port",
        "--token-file",
        "--user-header",
        "--trust-proxy",
        "--editor",
        "--groups-header",
        "--allowed-host",
        "--behind-proxy",
        "--alone",
        "--read-only",
        "--alert",
        "--to",
    ],
    "demo": ["--dir", "--port", "--no-dashboard", "--exit", "--steps"],
    "export": ["run", "--to", "--as", "--force"],
    "import": ["kind", "source", "--dir", "--follow", "--loss", "--lr", "--step", "--every"],
    "judge": ["folder", "--anew", "--jobs", "--dask"],
    "log": ["folder", "--last", "--user", "--json"],
    "ls": ["folder", "--json", "--filter", "--alone", "--jobs", "--dask"],
    "mcp": ["folder"],
    "push": ["source", "address", "--follow"],
    "run": [
        "--dir",
        "--name",
        "--resume",
        "--total-steps",
        "--config",
        "--no-alerts",
        "-m",
        "script",
        "arguments",
    ],
    "suggest": ["folder", "--json", "--jobs", "--dask"],
    "note": ["run", "text"],
    "pin": ["runs", "--undo"],
    "rename": ["run", "name"],
    "rm": ["runs", "--undo", "--force", "--yes", "--purge"],
    "show": ["run", "--json", "--alone"],
    "tag": ["arguments"],
    "top": ["folder", "--filter", "--once", "--alone"],
}

ALERT_COMMANDS = {
    "ack": ["folder", "alert_id", "--note"],
    "list": ["folder", "--json"],
    "replay": ["run", "--config"],
    "silence": ["folder", "--run", "--group", "--rule", "--for", "--reason", "--until-worse"],
    "test": ["--to", "--config"],
    "watch": ["folder", "--to", "--config", "--once", "--dry-run", "--alone", "--state"],
    "why": ["run", "--config", "--state"],
}


def test_the_public_names_of_the_library() -> None:
    assert lrwatch.__all__ == [
        "Alarm",
        "Alert",
        "Comparison",
        "CutLearningRate",
        "Diagnosis",
        "Evidence",
        "LrwatchError",
        "Monitor",
        "RangeReading",
        "Run",
        "RunGroup",
        "SaveCheckpoint",
        "StopTraining",
        "Suggestion",
        "TrainingStopped",
        "alerts",
        "compare",
        "diagnose",
        "diagnose_sweep",
        "judge",
        "open_run",
        "range_test",
        "read",
        "read_ranks",
        "read_table",
        "suggest",
        "watch",
    ]


def test_earlier_homes_of_names_are_kept() -> None:
    errors = importlib.import_module("lrwatch.errors")
    assert errors.TrainingStopped is lrwatch.TrainingStopped
    assert errors.LedgerUnreadable is errors.StateUnreadable
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = errors.Nothing


@pytest.mark.parametrize("name", lrwatch.__all__)
def test_a_public_name_can_be_had_and_is_listed(name: str) -> None:
    assert getattr(lrwatch, name) is not None
    assert name in dir(lrwatch)


FUNCTIONS: dict[str, list[str]] = {
    "compare": ["runs"],
    "diagnose": ["run", "total_steps"],
    "judge": ["path"],
    "Monitor": ["total_steps"],
    "open_run": [
        "dir",
        "name",
        "config",
        "total_steps",
        "group",
        "resume",
        "alerts",
        "on_alert",
        "system",
    ],
    "read": ["path", "raw"],
    "read_ranks": ["path", "by_step"],
    "suggest": ["runs"],
    "watch": [
        "optimizer",
        "dir",
        "name",
        "config",
        "model",
        "loss",
        "update_norm_every",
        "layers",
        "total_steps",
        "group",
        "resume",
        "alerts",
        "on_alert",
        "ranks",
        "main_rank",
        "system",
    ],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_what_is_promised_and_nothing_else(name: str) -> None:
    assert list(inspect.signature(getattr(lrwatch, name)).parameters) == FUNCTIONS[name]


def test_watch_names_its_options_once_more_for_type_checkers() -> None:
    assert list(_Keywords.__annotations__) == FUNCTIONS["watch"][1:]


def test_the_commands() -> None:
    context = click.Context(program)
    assert program.list_commands(context) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_command(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    assert options_of(command) == COMMANDS[name]


@pytest.mark.parametrize("name", ALERT_COMMANDS)
def test_the_options_of_a_command_about_alerts(name: str) -> None:
    group = program.get_command(click.Context(program), "alert")
    assert isinstance(group, click.Group)
    assert sorted(group.commands) == sorted(ALERT_COMMANDS)
    assert options_of(group.commands[name]) == ALERT_COMMANDS[name]


def options_of(command: click.Command) -> list[str | None]:
    return [
        parameter.opts[0] if isinstance(parameter, click.Option) else parameter.name
        for parameter in command.params
    ]
