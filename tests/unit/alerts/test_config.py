from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from lrwatch.alerts.config import AlertSettings, read_settings
from lrwatch.alerts.grouping import Timing
from lrwatch.alerts.rules import RULES
from lrwatch.errors import InvalidArgument

SECRET = "http://127.0.0.1:9/s3cr3t-t0ken"


def config(folder: Path, text: str, *, mode: int = 0o644) -> Path:
    path = folder / "lrwatch.toml"
    path.write_text(textwrap.dedent(text))
    path.chmod(mode)
    return path


def settings(folder: Path, text: str, *, mode: int = 0o644, **environment: str) -> AlertSettings:
    return read_settings(config(folder, text, mode=mode), environment)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert settings(tmp_path, "") == AlertSettings()


def test_everything_that_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "pager.url").write_text(SECRET + "\n")
    (tmp_path / "pager.url").chmod(0o600)
    read = settings(
        tmp_path,
        """
        dashboard = "https://host/lrwatch"
        [timing]
        group_wait = 2
        group_interval = 60.5
        repeat_interval = 3600
        max_age = 7200
        [grouping]
        by = "job"
        [rules.too_low]
        severity = "info"
        for_steps = 500
        for_seconds = 60
        keep_steps = 200
        keep_seconds = 1.5
        [rules.unreadable]
        enabled = false
        [receivers.team]
        url_env = "TEAM_URL"
        secret_env = ["NEW", "OLD"]
        [receivers.pager]
        url_file = "pager.url"
        [receivers.here]
        url = "log:"
        """,
        TEAM_URL=SECRET,
        NEW="whsec_" + "bmV3" * 8,
        OLD="whsec_" + "b2xk" * 8,
    )
    assert read.timing == Timing(2, 60.5, 3600, 7200)
    assert (read.group_by, read.dashboard) == ("job", "https://host/lrwatch")
    rules = {rule.name: rule for rule in read.rules}
    too_low = rules["too_low"]
    assert (too_low.severity, too_low.for_steps, too_low.for_seconds) == ("info", 500, 60)
    assert (too_low.keep_steps, too_low.keep_seconds) == (200, 1.5)
    assert set(rules) == {rule.name for rule in RULES} - {"unreadable"}
    assert [(r.name, r.kind) for r in read.receivers] == [
        ("team", "webhook"),
        ("pager", "webhook"),
        ("here", "log"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[rulez]", "it has unknown field rulez; allowed: dashboard, grouping, receivers, rules"),
        ("x = 1", "it has unknown field x"),
        ("[rules.diverging]\nfor_stepz = 2", "rules.diverging: it has unknown field for_stepz"),
        ("[rules]\ndiverging.for_stepz = 2", "rules.diverging: it has unknown field for_stepz"),
        (
            '[rules."no_data"]\nfor_steps = 2',
            "rules.no_data: it has unknown field for_steps; ",
        ),
        ("[rules.dicerging]", "rules: it has unknown field dicerging; allowed: diverging, no_data"),
        ("rules = 3", "rules: expected table, got int"),
        ("[rules]\ndiverging = 3", "rules.diverging: expected table, got int"),
        ("[rules.diverging]\nenabled = 1", "rules.diverging.enabled: expected bool, got int"),
        ("[rules.diverging]\nseverity = 'bad'", "'bad'; allowed: info, ticket, page"),
        ("[rules.diverging]\nseverity = ['page']", "allowed: info, ticket, page"),
        ("[rules.diverging]\nfor_steps = 1.5", "for_steps: expected int, got float"),
        ("[rules.diverging]\nfor_steps = true", "for_steps: expected int, got bool"),
        ("[rules.diverging]\nfor_steps = -1", "for_steps: expected int >= 0"),
        ("[timing]\ngroup_wait = 'long'", "timing.group_wait: expected float, got str"),
        ("[timing]\ngroup_wait = inf", "timing.group_wait: expected float <="),
        ("[timing]\ngroup_wait = nan", "timing.group_wait: expected float >= 0"),
        ("[timing]\ngroup_weight = 1", "timing: it has unknown field group_weight; allowed: group"),
        (
            "[grouping]\nby = 'colour'",
            "grouping.by: Invalid enum value 'colour'; allowed: ",
        ),
        ("dashboard = 3", "dashboard: expected str, got int"),
        ("dashboard = 'host:8050'", "dashboard: expected str matching regex '^https?://'"),
        ("receivers = 1", "receivers: expected table, got int"),
        ("receivers.a = 1", "receivers.a: expected table, got int"),
        ("[receivers.a]", "receivers.a: needs one of url_env, url_file and url"),
        ("[receivers.a]\nurl = 'log:'\nurl_env = 'A'", "receivers.a: needs one of"),
        (
            "[receivers.a]\nuri = 'log:'",
            "receivers.a: it has unknown field uri; allowed: ",
        ),
        ("[receivers.a]\nurl_env = 'A'", "receivers.a: url_env must name an environment variable"),
        ("[receivers.a]\nurl_file = 'none'", "receivers.a: url_file must name a file that can be"),
        ("[receivers.a]\nurl_file = '~nobody-at-all/x'", "url_file must name a readable file"),
        ("[receivers.a]\nurl_env = ''", "receivers.a.url_env: expected str of length >= 1"),
        ("[receivers.a]\nurl = 'log:'\nsecret_env = 3", "secret_env: expected str | list, got int"),
        ("[receivers.a]\nurl = 'log:'\nsecret_env = 'X'", "receivers.a: secret_env must name"),
        ("[rules\n", "is not valid TOML"),
        ("a = 1\na = 2", "is not valid TOML"),
        ("a = " + "[" * 5000, "is not valid TOML: it is nested too deeply"),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        settings(tmp_path, text)
    assert f"{tmp_path / 'lrwatch.toml'}: " in str(caught.value)
    assert said in str(caught.value)


def test_an_address_must_not_stand_in_a_file_that_others_can_read(tmp_path: Path) -> None:
    text = f'[receivers.a]\nurl = "{SECRET}"'
    with pytest.raises(InvalidArgument, match=r"receivers.a: url may hold a secret") as said:
        settings(tmp_path, text)
    assert "s3cr3t" not in str(said.value)
    assert settings(tmp_path, text, mode=0o600).receivers[0].name == "a"


def test_a_file_with_an_address_must_not_be_readable_by_others(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text(SECRET)
    secret.chmod(0o640)
    with pytest.raises(InvalidArgument, match=r"receivers.a: url_file names a file that"):
        settings(tmp_path, "[receivers.a]\nurl_file = 'url'")


def test_an_empty_file_with_an_address_says_so(tmp_path: Path) -> None:
    (tmp_path / "url").touch(0o600)
    with pytest.raises(InvalidArgument, match="names an empty file"):
        settings(tmp_path, "[receivers.a]\nurl_file = 'url'")


def test_an_address_that_cannot_be_used_is_named_without_its_text(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidArgument, match=r"receivers.a: a webhook's address must be"
    ) as caught:
        settings(tmp_path, "[receivers.a]\nurl_env = 'A'", A="https://[s3cr3t")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\0"])
def test_a_file_that_is_not_text_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lrwatch.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidArgument, match=r"lrwatch\.toml"):
        read_settings(path)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="cannot be read: No such file"):
        read_settings(tmp_path / "lrwatch.toml")


@pytest.mark.parametrize("key", ["url_env", "url_file", "secret_env", "secret_file"])
@pytest.mark.parametrize("secret", ["'s3cr3t'", "['', 's3cr3t']", "{ a = 's3cr3t' }"])
def test_a_secret_in_the_wrong_place_is_not_said(tmp_path: Path, key: str, secret: str) -> None:
    url = "" if key.startswith("url") else "url = 'log:'\n"
    with pytest.raises(InvalidArgument) as caught:
        settings(tmp_path, f"[receivers.a]\n{url}{key} = {secret}")
    assert "s3cr3t" not in str(caught.value)
