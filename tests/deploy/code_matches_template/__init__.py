"""Find contradictions between the template and the code, each as a one-line message.

Every function takes the resolved template: the resources that a deployment creates.

    api.py        routes, scopes, CORS
    functions.py  environment variables, handlers, runtime, timeouts
    data.py       tables, permissions, the dashboard
"""

from deploy.code_matches_template.api import cors, matches, routes
from deploy.code_matches_template.data import dashboard, data_protection, permissions, table
from deploy.code_matches_template.functions import base_path, declared, environment, function, references

__all__ = [
    "base_path",
    "cors",
    "dashboard",
    "data_protection",
    "declared",
    "environment",
    "function",
    "matches",
    "permissions",
    "references",
    "routes",
    "table",
]
