"""`RetainTables=false`: tables that are deleted with their stack.

CloudFormation accepts no parameter in a DeletionPolicy, so this changes the template that `sam build` wrote.
tools/package/serverless_plugin.js does the same for sls.
"""

from pathlib import Path
from typing import Any

import yaml

BUILT_TEMPLATE = Path(".aws-sam") / "build" / "template.yaml"


def delete_tables_with_stack(file: Path) -> None:
    """Change a built template: tables are deleted with the stack, and when they are replaced."""
    template = yaml.safe_load(file.read_text())  # sam build writes no tags
    set_policies(template)
    file.write_text(yaml.safe_dump(template, sort_keys=False))


def set_policies(template: dict[str, Any]) -> None:
    """Set the policies of each table in a parsed template."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::DynamoDB::Table":
            resource.update(DeletionPolicy="Delete", UpdateReplacePolicy="Delete")
