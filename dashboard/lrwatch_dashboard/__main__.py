"""``python -m lrwatch_dashboard``: the same as ``lrwatch dashboard``."""

from lrwatch_dashboard.command import dashboard

if __name__ == "__main__":
    dashboard(prog_name="lrwatch dashboard")
