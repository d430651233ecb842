"""The Dash app: pages put together, nothing at import time."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import tostring

from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from flask import Response, jsonify, request, send_file
from plotly.offline import get_plotlyjs_version

from lrwatch.activity import current_actor
from lrwatch_dashboard import ids
from lrwatch_dashboard.components.page_shell import page_bar, page_shell
from lrwatch_dashboard.compression import compress
from lrwatch_dashboard.exports import add_exports
from lrwatch_dashboard.metrics import add_metrics
from lrwatch_dashboard.pages import PAGES, find_page, overview
from lrwatch_dashboard.pages.alerts import nav_count
from lrwatch_dashboard.pages.page import message, script
from lrwatch_dashboard.security.access import Access
from lrwatch_dashboard.security.protection import protect
from lrwatch_dashboard.standalone import markup
from lrwatch_dashboard.views import RunSource

__all__ = ["create_app"]

logger = logging.getLogger("lrwatch_dashboard")

_ASSETS: Final = Path(__file__).parent / "assets"
_PLOTLY: Final = "/_dash-component-suites/plotly/package_data/plotly.min.js"

# What the grid asks for in a request of its own, once it is there.
_OF_GRID: Final = "/_dash-component-suites/dash_ag_grid/async-community.js"
_PRELOADED: Final = f'<link rel="preload" as="script" href="{_OF_GRID}">'

# The assets are told of each request of a callback and of its answer, and slow the clocks by it.
_RENDERER: Final = "var renderer = new DashRenderer(window.lrwatch.hooks);"

# The theme is set by a script of its own before the first paint; an inline one would need a
# hole in the content security policy.
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<meta name="color-scheme" content="light dark">
<title>{%title%}</title>
<link rel="icon" href="THEME_DIR/mark.svg" type="image/svg+xml">
<script src="THEME_DIR/theme.js"></script>
{%css%}
EARLY_HEAD
</head>
<body>
EARLY_BODY
{%app_entry%}
<footer>
{%config%}
{%scripts%}
{%renderer%}
</footer>
</body>
</html>"""


def create_app(source: RunSource, access: Access | None = None) -> Dash:
    """Build the dashboard.

    Parameters
    ----------
    source
        Where the runs come from.
    access
        Who may ask; None stands for this machine alone, without a token.

    Returns
    -------
    dash.Dash
        The app; its ``server`` attribute is the WSGI application.
    """
    app = Dash(
        "lrwatch_dashboard",
        assets_folder=str(_ASSETS),
        assets_ignore="theme\\.js|plotly-.*",
        index_string=_PAGE.replace("THEME_DIR", "/assets"),
        pages_folder="",
        use_pages=False,
        include_pages_meta=False,
        suppress_callback_exceptions=True,
        title="lrwatch",
        update_title="",
        add_log_handler=False,
    )
    app.renderer = _RENDERER
    app.layout = lambda: page_shell(_pages_of_bar(), current_actor())
    _register_shell(app, source)
    for page in PAGES:
        page.connect(app, source)
    add_exports(app, source)
    add_metrics(app, source)
    _add_health(app, source)
    _serve_slim_plotly(app)
    _come_early(app, source)
    app.server.after_request(compress)
    protect(app, access or Access())
    _set_up(app)
    return app


def _set_up(app: Dash) -> None:
    """Find scripts and callbacks now.

    Dash does so within the first request, and answers those that come meanwhile without scripts: a
    blank page, where a server is started again while a page of the last one still asks.
    """
    with app.server.test_request_context("/"):
        app._setup_server()  # noqa: SLF001  there is no other door


def _come_early(app: Dash, source: RunSource) -> None:
    """Have the Overview be seen before its program has come: its first rows are in the document."""
    whole = app.interpolate_index

    def document(**parts: Any) -> str:
        is_overview = request.path == "/" and not request.query_string
        bar = page_bar(_pages_of_bar(), current_actor(), shown="/")
        page = overview.early(source, bar) if is_overview else None
        head, body = ("", "") if page is None else (_PRELOADED, _early_body(page))
        return str(whole(**parts)).replace("EARLY_HEAD", head, 1).replace("EARLY_BODY", body, 1)

    app.interpolate_index = document


def _early_body(page: html.Div) -> str:
    (element,) = markup(page, is_served=True)
    text = tostring(element, encoding="utf-8", method="html").decode()  # names may be no Unicode
    return f'<div id="first-screen">{text}</div>'


def _pages_of_bar() -> list[tuple[str, str]]:
    return [(page.name, page.path) for page in PAGES if page.name]


def route(source: RunSource, pathname: str | None, search: str | None) -> Any:
    """Return the page of an address."""
    path = pathname or "/"
    found = find_page(path)
    if found is None:
        nothing = html.P(["There is nothing at ", html.Code(path), "."])
        return message("No such page", nothing, html.A("All runs", href="/"))
    page, run = found
    return page.layout(source, *run, search or "")


def _register_shell(app: Dash, source: RunSource) -> None:
    def on_address(pathname: str | None, search: str | None) -> Any:
        return route(source, pathname, search)

    def on_beat(_beat: dict[str, float] | None, shown: str | None) -> Any:
        n_alerts = nav_count(source.alerts)
        return no_update if n_alerts == (shown or "") else n_alerts

    app.callback(
        Output(ids.PAGE, "children"), Input(ids.URL, "pathname"), Input(ids.URL, "search")
    )(on_address)
    app.callback(
        Output(ids.ALERT_COUNT, "children"),
        Input(ids.BEAT, "data"),
        State(ids.ALERT_COUNT, "children"),
    )(on_beat)
    app.clientside_callback(
        ClientsideFunction("lrwatch", "theme"),
        Output(ids.THEME, "data"),
        Input(ids.THEME_TOGGLE, "n_clicks"),
    )
    app.clientside_callback(
        ClientsideFunction("lrwatch", "arrived"),
        Input(ids.PAGE, "children"),
    )
    script(app, "lrwatch.beat", Input(ids.BEAT, "data"))


def _add_health(app: Dash, source: RunSource) -> None:
    def health() -> tuple[Response, int]:
        # Open to everybody, so the reason is for the log alone.
        problem = source.healthy()
        if problem:
            logger.error("not healthy: %s", problem)
            return jsonify(status="error"), 503
        return jsonify(status="ok"), 200

    def ready() -> tuple[Response, int]:
        reason = source.ready()
        return (jsonify(status="waiting", reason=reason), 503) if reason else health()

    app.server.add_url_rule("/health", "health", health)
    app.server.add_url_rule("/ready", "ready", ready)


def _serve_slim_plotly(app: Dash) -> None:
    """Serve plotly.js from a bundle of a fifth of the size, where Dash asks for the full one.

    Dash asks once the first chart is shown. The bundle must be of the version that the installed
    plotly draws for; otherwise the full one is served.
    """
    version = get_plotlyjs_version()
    bundle = _ASSETS / f"vendor/plotly-basic-{version}.min.js"
    if bundle.exists():
        app.server.add_url_rule(_PLOTLY, "plotly", lambda: send_file(bundle, conditional=True))
    else:
        logger.warning("no slim plotly.js %s at hand; pages load the full one", version)
