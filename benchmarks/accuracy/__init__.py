"""How often verdicts are right, on runs of tasks that they were not fitted to."""
