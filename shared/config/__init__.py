"""Settings of a stage, read from the environment and from nowhere else.

settings.py  Settings.from_env(): every setting, its default, and rules between settings
parsers.py   the format of each value
urls.py      the format of each URL
auth.py      the settings of authentication
__main__.py  `python -m shared.config` checks the settings before a server starts
"""

from shared.config.settings import Settings, SettingsError

__all__ = ["Settings", "SettingsError"]
