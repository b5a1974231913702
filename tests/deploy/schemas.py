"""CloudFormation's schemas of resource types, from cfn-lint.

https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

import json
from functools import cache

from deploy.project import REGION, TOOLS


@cache
def read_schema(kind):
    """Return the schema of a resource type such as AWS::SNS::Topic."""
    [folder] = TOOLS.parent.glob("lib/python*/site-packages/cfnlint/data/schemas")
    return json.loads((folder / "resources" / f"{_files(folder)[kind]}.json").read_text())


@cache
def _files(folder):
    return json.loads((folder / "providers" / f"{REGION}.json").read_text())
