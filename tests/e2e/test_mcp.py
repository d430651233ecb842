"""`lrwatch mcp` speaks the protocol: asked by the official client, over standard streams."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sources import ROOT

import lrwatch
from lrwatch.comparing import suggest_each

pytestmark = pytest.mark.e2e
pytest.importorskip("mcp")

SAMPLES = ROOT / "sample_runs"
EXPLODED = "digits-sgd-constant-10"


def asked(folder: Path, ask: Callable[[Any], Awaitable[Any]]) -> Any:
    """Start a server on a folder, and ask it by the official client."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "lrwatch", "mcp", str(folder)],
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dashboard")])},
    )

    async def talk() -> Any:
        async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
            told = await session.initialize()
            assert told.server_info.name == "lrwatch"
            assert "dividing or multiplying by ten is no advice" in (told.instructions or "")
            return await ask(session)

    with ThreadPoolExecutor(1) as thread:  # a browser test may have left a loop in this one
        return thread.submit(asyncio.run, asyncio.wait_for(talk(), timeout=300)).result()


def answer(result: Any) -> Any:
    """Return what a tool answered: structured, and the same as text."""
    assert not result.is_error, result.content
    return result.structured_content


def test_an_agent_lists_diagnoses_compares_and_is_given_a_rate() -> None:
    async def ask(session: Any) -> dict[str, Any]:
        tools = (await session.list_tools()).tools
        return {
            "tools": {tool.name: tool for tool in tools},
            "list": answer(await session.call_tool("list_runs", {})),
            "one": answer(await session.call_tool("diagnose", {"run": EXPLODED})),
            "compare": answer(await session.call_tool("compare", {})),
            "suggest": answer(await session.call_tool("suggest", {})),
        }

    found = asked(SAMPLES, ask)
    assert set(found["tools"]) == {"list_runs", "diagnose", "compare", "suggest"}
    assert all(tool.annotations.read_only_hint for tool in found["tools"].values())
    assert all(tool.description for tool in found["tools"].values())
    runs = found["list"]["result"]
    assert runs[0]["learning_rate"] == "too_high"  # the worst come first
    assert {run["run"] for run in runs} >= {EXPLODED}
    judged = lrwatch.diagnose_sweep(
        {name: SAMPLES / name for name in (EXPLODED, "digits-sgd-constant-0.001")}
    )
    assert found["one"]["verdict"] == judged[EXPLODED].verdict
    assert found["one"]["suggested_lr"] == judged[EXPLODED].suggested_lr
    compared = lrwatch.compare(SAMPLES)
    assert found["compare"]["verdicts"] == compared.verdicts
    assert [each["lr"] for each in found["suggest"]["result"]] == [
        each.lr for each in suggest_each(SAMPLES)
    ]
    json.dumps(found["suggest"], allow_nan=False)


def test_errors_are_sentences_and_nothing_beyond_the_folder_is_read(tmp_path: Path) -> None:
    async def ask(session: Any) -> list[Any]:
        return [
            await session.call_tool("diagnose", {"run": name})
            for name in ("nothing", "../sample_runs/" + EXPLODED, str(SAMPLES / EXPLODED))
        ] + [await session.call_tool("list_runs", {})]

    *refused, empty = asked(tmp_path, ask)
    for result in refused:
        assert result.is_error
        assert "there is no run" in result.content[0].text
    assert answer(empty)["result"] == []
