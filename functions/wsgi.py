"""All modules in one Flask app, for gunicorn. Each package with a controller.py is a module."""

import gc
from importlib import import_module
from pathlib import Path

from shared.app import create_app
from shared.config import Settings
from shared.web.mount import mount
from shared.web.request_checks import reject_invalid_framing

settings = Settings.from_env()
app = create_app(settings)
app.before_request_funcs[None].insert(0, reject_invalid_framing)
for controller in sorted(Path(__file__).parent.parent.glob("*/controller.py")):
    import_module(f"{controller.parent.name}.controller").setup_route(app)
mount(app, settings.base_path)
gc.freeze()
gc.enable()
