"""The pages: each a `layout` and a `register`, nothing at import time.

A page asks the source, hands view models to components and figures, and says which callbacks
join them. It reads no files and draws nothing itself.
"""
