"""Jobs of the kind that people run on a GPU, each trained at many learning rates at once."""
