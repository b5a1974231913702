"""`make module` and `make rename-project`."""
