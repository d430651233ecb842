"""Parts of pages as one HTML file that needs no server: no script, no request, light and dark."""

from lrwatch_dashboard.standalone.document import document, markup

__all__ = ["document", "markup"]
