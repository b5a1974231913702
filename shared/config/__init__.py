"""Settings of a stage, read from environment variables.

settings.py  Settings.from_env(): all settings, their defaults, and rules between settings
parsers.py   parsers of values
urls.py      parsers of URLs
auth.py      settings of authentication
references.py  values in Secrets Manager and Systems Manager
initialization.py  when Lambda initializes the process
gunicorn.py  settings of gunicorn, for entrypoint.sh
__main__.py  `python -m shared.config`: validate the settings before a server starts
"""

from shared.config.settings import Settings, SettingsError

__all__ = ["Settings", "SettingsError"]
