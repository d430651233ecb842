"""The web dashboard of lrwatch: which runs have a wrong learning rate, why, and what to try.

``lrwatch dashboard`` starts it; ``lrwatch_dashboard.app.create_app`` builds it for a server
of your own.
"""
