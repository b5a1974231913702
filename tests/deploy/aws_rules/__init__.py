"""Find mistakes that AWS punishes and no linter reports, each as a one-line message.

Every check takes the template after SAM's transform, and resolves it with the parameters that matter.

    functions.py  what an update of a function publishes, and what it keeps
    network.py    the network of the cache
    routes.py     routes to what the code calls
    existing.py   existing resources instead of created ones
    governance.py the permissions boundary of every role, and tags
    api.py        the API and the dashboard
    rate_limit.py the rate limit, and who counts the requests
"""

from deploy.aws_rules.api import access_log, global_names, preflights, searches
from deploy.aws_rules.existing import combinations, existing_resources, existing_values
from deploy.aws_rules.functions import descriptions, kept_versions
from deploy.aws_rules.governance import boundaries, untagged
from deploy.aws_rules.network import cache_keys, deletion_order, network_limits, network_rights, zones
from deploy.aws_rules.rate_limit import counting_users, limited_functions
from deploy.aws_rules.routes import routes

CHECKS = (
    kept_versions,
    descriptions,
    network_rights,
    network_limits,
    deletion_order,
    zones,
    cache_keys,
    routes,
    existing_resources,
    existing_values,
    combinations,
    preflights,
    access_log,
    global_names,
    searches,
    boundaries,
    untagged,
    limited_functions,
    counting_users,
)


def messages(project):
    """Return the messages of all checks on a copy of the project."""
    template = project.sam()
    return [message for check in CHECKS for message in check(template)]
