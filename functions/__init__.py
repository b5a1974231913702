"""Entry points: the only code that runs at import."""
