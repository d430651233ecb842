"""Training frameworks: a thin module each, loaded by whoever uses the framework, and nobody else.

Each hands the framework's optimizer to `lrwatch.watch`, or its numbers to `lrwatch.open_run` where
it has none of torch's, and adds what the framework knows: validation losses, epochs, the
configuration, planned steps. docs/integrations.md has an example of each.
"""
