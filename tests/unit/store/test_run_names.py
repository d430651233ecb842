"""A name is refused where some file system could not have the folder, and mended where we may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrwatch.errors import InvalidArgument
from lrwatch.store.run_names import check_run_name, plain_run_name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "not empty"),
        ("a:b", "write 'a-b'"),
        ("a\u200bb", "must not contain"),
        ("org/", "before and after"),
        (".hidden", "begin or end with a dot"),
        ("epoch 1.", "begin or end with a dot"),
        ("aux", "a device on Windows; write 'run-aux'"),
        ("Com1.lr=0.1", "a device on Windows"),
        ("é" * 101, "at most 200 bytes"),
    ],
)
def test_what_is_refused_is_said(name: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        check_run_name(name)


@pytest.mark.parametrize("name", ["sgd-0.1", "org/model", "auxiliary", "console.1", "é" * 100])
def test_what_is_allowed(name: str) -> None:
    check_run_name(name)


@given(st.text())
@pytest.mark.parametrize("around", ["", "nul", "a" * 199 + " ."])
def test_any_text_can_be_made_a_name(around: str, text: str) -> None:
    check_run_name(plain_run_name(around + text))
