"""Entry points: the only code that runs at import."""

import gc

# Imports create many objects and no garbage; garbage collection would take a tenth of a cold start. Each
# entry point enables it again at its end.
gc.disable()
