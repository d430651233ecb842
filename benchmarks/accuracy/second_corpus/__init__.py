"""Runs of 13 further tasks, labelled by the same counterfactual as the first corpus."""
