"""What the programs that measure the recorder share: other loggers, and budgets."""
