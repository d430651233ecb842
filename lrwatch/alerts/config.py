"""``lrwatch.toml``: rules, receivers, and when they are told; every mistake names its line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Final, cast, get_args

from lrwatch.alert import SEVERITIES, Severity
from lrwatch.alerts.grouping import GroupBy, Timing
from lrwatch.alerts.rules import RULES, Rule
from lrwatch.alerts.toml_table import Table, read_toml
from lrwatch.delivery.address import receiver_for
from lrwatch.delivery.channel import Receiver
from lrwatch.errors import InvalidArgument

__all__ = ["Settings", "read_settings"]

_SECTIONS: Final = ("dashboard", "timing", "grouping", "rules", "receivers")
_FILE_RULE: Final = ("enabled", "severity", "for_seconds", "keep_seconds")
_VERDICT_RULE: Final = (*_FILE_RULE, "for_steps", "keep_steps")
_RECEIVER: Final = ("url", "url_env", "url_file", "secret_env", "secret_file")
_TIMES: Final = tuple(f.name for f in fields(Timing))
_PUBLIC: Final = ("log:", "jsonl:")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a store is watched.

    Attributes
    ----------
    rules
        Those that are switched on.
    timing, group_by
        When people are told, and what goes into one message.
    dashboard
        Address of the dashboard, for links; empty if there is none.
    receivers
        Who is told.
    """

    rules: tuple[Rule, ...] = RULES
    timing: Timing = field(default_factory=Timing)
    group_by: GroupBy = "rule"
    dashboard: str = ""
    receivers: tuple[Receiver, ...] = ()


def read_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read a configuration.

    Parameters
    ----------
    path
        A TOML file, as described in docs/alerts.md.
    environment
        Where ``url_env`` and ``secret_env`` are looked up.

    Raises
    ------
    InvalidArgument
        If anything in it is not allowed; the message names file, line and key.
    MissingExtra
        If a receiver needs Apprise, and that is not installed.
    """
    top = read_toml(path)
    top.allow(_SECTIONS)
    grouping = top.table("grouping")
    grouping.allow(("by",))
    return Settings(
        rules=_rules(top.table("rules")),
        timing=_timing(top.table("timing")),
        group_by=cast(GroupBy, grouping.choice("by", get_args(GroupBy), "rule")),
        dashboard=_dashboard(top),
        receivers=_receivers(top.table("receivers"), path, environment),
    )


def _dashboard(top: Table) -> str:
    address = top.text("dashboard")
    if address and not address.startswith(("http://", "https://")):
        top.refuse("dashboard", f"must begin with http:// or https://, got {address!r}")
    return address


def _timing(table: Table) -> Timing:
    table.allow(_TIMES)
    usual = Timing()
    return Timing(**{name: table.number(name, getattr(usual, name)) for name in _TIMES})


def _rules(table: Table) -> tuple[Rule, ...]:
    known = {rule.name: rule for rule in RULES}
    table.allow(known)
    changed = dict(known)
    for name, settings in table.tables():
        settings.allow(_VERDICT_RULE if known[name].verdicts else _FILE_RULE)
        changed[name] = _rule(settings, known[name])
        if not settings.flag("enabled", otherwise=True):
            del changed[name]
    return tuple(changed.values())


def _rule(table: Table, usual: Rule) -> Rule:
    return replace(
        usual,
        severity=cast(Severity, table.choice("severity", SEVERITIES, usual.severity)),
        for_steps=int(table.number("for_steps", usual.for_steps, whole=True)),
        for_seconds=table.number("for_seconds", usual.for_seconds),
        keep_steps=int(table.number("keep_steps", usual.keep_steps, whole=True)),
        keep_seconds=table.number("keep_seconds", usual.keep_seconds),
    )


def _receivers(table: Table, path: Path, environment: Mapping[str, str]) -> tuple[Receiver, ...]:
    found = []
    for name, settings in table.tables():
        settings.allow(_RECEIVER)
        address = _address(settings, path, environment)
        secrets = _secrets(settings, path, environment)
        try:
            found.append(receiver_for(address, name=name, secrets=secrets))
        except InvalidArgument as error:
            settings.refuse("", f"cannot be told: {error}")
    return tuple(found)


def _address(table: Table, path: Path, environment: Mapping[str, str]) -> str:
    given = [name for name in ("url", "url_env", "url_file") if name in table]
    if len(given) != 1:
        table.refuse("", "needs one of url_env, url_file and url")
    if given == ["url_env"]:
        return _from_environment(table, "url_env", table.text("url_env"), environment)
    if given == ["url_file"]:
        return _from_file(table, "url_file", path)
    address = table.text("url")
    if not address.startswith(_PUBLIC) and _is_readable_by_others(path):
        table.refuse(
            "url",
            f"may hold a secret, so it must not stand in a file that others can read: "
            f"chmod 600 {path.name}, or use url_env or url_file",
        )
    return address


def _secrets(table: Table, path: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    named = table.texts("secret_env")
    secrets = [_from_environment(table, "secret_env", name, environment) for name in named]
    if "secret_file" in table:
        secrets.append(_from_file(table, "secret_file", path))
    return tuple(secrets)


def _from_environment(table: Table, key: str, name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "").strip()
    if not value:
        # Not which: people write the secret itself there.
        table.refuse(key, "must name an environment variable that is set")
    return value


def _from_file(table: Table, key: str, config: Path) -> str:
    given = Path(table.text(key))
    try:
        file = config.parent / given.expanduser()
        value = file.read_text(encoding="utf-8").strip()
        is_public = _is_readable_by_others(file)
    except OSError as error:
        table.refuse(key, f"must name a file that can be read: {error.strerror}")
    except UnicodeDecodeError:
        table.refuse(key, "must name a file that holds text in UTF-8")
    except ValueError:
        table.refuse(key, "must name a file, and no file can have that name")
    except RuntimeError:  # of `expanduser`
        table.refuse(key, "must name a file, and ~ stands for a home that is not known")
    if is_public:
        table.refuse(key, f"names a file that others can read: chmod 600 {file}")
    if not value:
        table.refuse(key, "names a file that is empty")
    return value


def _is_readable_by_others(path: Path) -> bool:
    # Elsewhere the mode says nothing of who may read a file.
    return os.name == "posix" and bool(path.stat().st_mode & 0o077)
