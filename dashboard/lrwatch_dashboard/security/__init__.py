"""Who may read the runs: names, origins, the token and what a browser is told to refuse.

Importing the package loads no web framework; `protection` does.
"""
