"""Paths of the project, the environment without its settings, and settings for tests."""

import os
import uuid
from pathlib import Path

from shared.config import Settings
from tools.local.tables import TABLES

ROOT = Path(__file__).parent.parent.parent
SHARED = ROOT.parent / "shared"
SETTINGS = (
    "AUTH_",
    "AWS_",
    "BIND",
    "CORS_",
    "DOCS",
    "FEED_",
    "LIMIT_",
    "LOCAL",
    "LOG_",
    "MAKE",
    "MAX_",
    "METRICS_",
    "MFLAGS",
    "NEWS_",
    "PROFILE",
    "PROMETHEUS_",
    "REDIS_",
    "RELOAD",
    "STAGE",
    "TIMEOUT",
    "WORKERS",
)
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(SETTINGS) and name != "PYTHON"  # PYTHONPATH and others stay
}
"""The environment without a setting of the developer's, or of the make that runs the tests."""

UNMEASURED = dict.fromkeys(("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"), "")
"""Variables of a process whose code needs no coverage: measuring doubles its CPU time."""


def settings_for(endpoint, **changes):
    """Settings with tables of their own."""
    tables = {module: f"{module}-{uuid.uuid4().hex}" for module in TABLES}
    return Settings(
        stage="local", region="us-east-1", dynamodb_endpoint=endpoint, **{"tables": tables} | changes
    )


def table_settings(settings):
    """The variables from which the settings' tables are read."""
    return {f"{module.upper()}_TABLE": name for module, name in settings.tables.items()}
