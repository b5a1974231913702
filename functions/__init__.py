"""Entry points: the only code that runs at import."""

import gc
import sys

# Imports create many objects and no garbage; garbage collection would take a tenth of a cold start. Each
# entry point enables it again at its end.
gc.disable()

# From Python 3.15 on, a module can be imported when one of its names is first used (PEP 810). A cached
# response needs half of the modules. gunicorn, snapshots and provisioned concurrency import all at startup.
if hasattr(sys, "set_lazy_imports"):
    sys.set_lazy_imports("all")  # also for what the next line imports
    from shared.config.initialization import is_on_demand

    if not is_on_demand():
        sys.set_lazy_imports("normal")
