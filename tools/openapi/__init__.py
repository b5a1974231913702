"""The OpenAPI document: its generator, and the check for breaking changes."""
