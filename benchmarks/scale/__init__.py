"""A big store: how it is made, and how the dashboard and TensorBoard are timed on it."""
