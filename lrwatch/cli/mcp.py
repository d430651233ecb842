"""``lrwatch mcp``: a server of the Model Context Protocol, for agents; it never writes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from lrwatch.cli.place import PLACE

__all__ = ["mcp"]

INSTRUCTIONS: Final = (
    "lrwatch judges the learning rates of trainings from what they recorded. Ask list_runs first. "
    "learning_rate is too_high, ok, too_low or unknown; unknown is no fault. To act on a verdict, "
    "take suggested_lr, or ask suggest for the job: dividing or multiplying by ten is no advice. "
    "Where lr is null, run what advice names, and ask again."
)


@click.command(short_help="Serve runs to agents over stdin and stdout (MCP); read-only.")
@click.argument("folder", metavar="[DIR]", type=PLACE, default="runs")
def mcp(folder: Path) -> None:
    """Serve the runs of DIR (default: runs) by the Model Context Protocol, over standard streams.

    Tools: list_runs, diagnose, compare, suggest. None of them writes, or reads beyond DIR.
    """
    from mcp.server import MCPServer
    from mcp_types import ToolAnnotations

    from lrwatch.cli.agent_tools import AgentTools
    from lrwatch.version import VERSION

    tools = AgentTools(folder)
    server = MCPServer("lrwatch", instructions=INSTRUCTIONS, version=VERSION, log_level="ERROR")
    harmless = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    for tool in (tools.list_runs, tools.diagnose, tools.compare, tools.suggest):
        server.tool(annotations=harmless)(_explained(tool))
    server.run("stdio")


def _explained(tool: Callable[..., Any]) -> Callable[..., Any]:
    """Let an agent read what is wrong with what it asked for."""
    from mcp.server.mcpserver.exceptions import ToolError

    from lrwatch.errors import LrwatchError

    @functools.wraps(tool)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return tool(*args, **kwargs)
        except (LrwatchError, OSError) as error:
            raise ToolError(str(error)) from error

    return call
