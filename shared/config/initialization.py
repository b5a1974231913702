"""When Lambda initializes a process: before its first request, or while that request waits.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

import os
from collections.abc import Mapping

VARIABLE = "AWS_LAMBDA_INITIALIZATION_TYPE"


def is_early(env: Mapping[str, str]) -> bool:
    """Return True if initialization is over before the first request, with everything that it loads."""
    return env.get(VARIABLE) in {"provisioned-concurrency", "snap-start"}


def is_on_demand(env: Mapping[str, str] = os.environ) -> bool:
    """Return True if the first request waits for the initialization."""
    return env.get(VARIABLE) == "on-demand"
