"""Entry points: the only code that runs at import."""

import gc

# Imports make many objects and no garbage; to look for it all the same is a tenth of a cold start. Each entry
# point switches this on again when it is done.
gc.disable()
