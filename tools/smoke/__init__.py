"""`make smoke`: check a deployed API against its OpenAPI document.

run.py      reads the arguments, runs the checks and prints the report
reads.py    the checks of reads: documents, headers, caching, problems
writes.py   the checks of writes: with a token an item is created, changed and removed
api.py      sends requests, and validates responses against the document
"""
