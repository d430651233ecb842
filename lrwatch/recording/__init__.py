"""A run as a training sees it: begun, told of each step, and ended."""
