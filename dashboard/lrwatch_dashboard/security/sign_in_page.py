"""The two pages that are shown before anybody was let in: plain forms, without a script."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final

__all__ = ["POLICY", "onward_page", "refused_page", "sign_in_page"]

_STYLE: Final = """
:root { color-scheme: light dark; }
body { margin: 0; font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif;
  color: light-dark(#1a1e24, #e6e9ee); background: light-dark(#fff, #12161c); }
main { max-width: 22rem; margin: 16vh auto 0; padding: 0 1.25rem; }
h1 { font-size: 1.1rem; font-weight: 600; margin: 0 0 .25rem; }
p { margin: 0 0 1.1rem; color: light-dark(#5b6470, #a3acba); }
p.wrong { color: light-dark(#b3261e, #ff8a80); }
label { display: block; font-size: .85rem; margin-bottom: .3rem; }
input, button { font: inherit; box-sizing: border-box; width: 100%; padding: .5rem .65rem;
  border-radius: 6px; }
input { border: 1px solid light-dark(#8a929c, #6c7684); color: inherit;
  background: light-dark(#fff, #0c0f14); }
button { margin-top: .8rem; border: 0; font-weight: 600; cursor: pointer;
  color: light-dark(#fff, #0c0f14); background: light-dark(#0b62a8, #7cc4ff); }
a { color: light-dark(#0b62a8, #7cc4ff); }
:focus-visible { outline: 2px solid light-dark(#0b62a8, #7cc4ff); outline-offset: 2px; }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Content security policy of both pages."""

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}<title>{title} · lrwatch</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""

_FORM: Final = """<h1>This dashboard asks for its token</h1>
<p>Whoever started it gave you one, or has it: the value of LRWATCH_TOKEN, or the content of the
token file.</p>
{wrong}<form method="post" action="/login">
<input type="hidden" name="next" value="{target}">
<label for="token">Token</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password">
<button>Open the dashboard</button>
</form>"""


def sign_in_page(target: str, wrong: str = "") -> str:
    """Return the form; `target` is where it leads, `wrong` what was wrong with the last try."""
    said = f'<p class="wrong" role="alert">{escape(wrong)}</p>\n' if wrong else ""
    body = _FORM.format(wrong=said, target=escape(target))
    return _PAGE.format(head="", title="Sign in", style=_STYLE, body=body)


def onward_page(target: str) -> str:
    """Return a page that leads on at once, and takes its own place in the browser's history.

    A redirect would not do: a reader who followed a link from another site is then still on
    the way from there, and a browser keeps a strict cookie to itself on that way.
    """
    link = escape(target)
    head = f'<meta http-equiv="refresh" content="0;url={link}">\n'
    body = f'<p><a href="{link}">Go on to the dashboard</a></p>'
    return _PAGE.format(head=head, title="One moment", style=_STYLE, body=body)


def refused_page() -> str:
    """Return what is said where nobody but a proxy signs people in, and none has."""
    body = (
        "<h1>Nobody is signed in</h1>\n<p>This dashboard is reached through a proxy that signs "
        "people in. This request came past it, or the proxy does not say who asks.</p>"
    )
    return _PAGE.format(head="", title="Not signed in", style=_STYLE, body=body)
