"""Local runs: `make run` and the commands that use it."""
