"""What ``lrwatch demo`` trains: a learning-rate sweep of a small language model, for real."""
