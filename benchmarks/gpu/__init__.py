"""Jobs and checks for one GPU; see `gpu_budget`."""
