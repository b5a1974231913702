"""Tests that need a Docker engine: `make e2e` runs them."""
