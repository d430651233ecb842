"""Good runs, long and noisy: an alarm on one is false, and there are many chances to raise it."""
