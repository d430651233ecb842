"""Who may read the runs: names, origins, the token, limits, and what browsers refuse.

Importing the package loads no web framework; `protection` does.
"""
