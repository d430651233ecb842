"""Streaming statistics of a run, and the tests and features computed from them."""
