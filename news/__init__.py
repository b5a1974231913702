"""The news module; other modules use news.service and nothing else of it."""
