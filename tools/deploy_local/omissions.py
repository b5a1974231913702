"""Resources of template.yaml that the emulator does not support, and their omission from a copy."""

import re
from dataclasses import dataclass
from pathlib import Path

PARAMETERS = {"Cache": "false", "Deployment": "AllAtOnce"}
"""Parameters without resources that the emulator does not support: ElastiCache Serverless, and CodeDeploy."""


@dataclass(frozen=True)
class Unsupported:
    """A kind of resource that the emulator does not support.

    Attributes:
        name: what the kind is called.
        pattern: matches the text of such a resource in template.yaml.
        reason: why it is omitted.
    """

    name: str
    pattern: str
    reason: str


UNSUPPORTED = (
    Unsupported(
        "AWS::Budgets::Budget",
        r"^    Type: AWS::Budgets::Budget$",
        "CloudFormation of the emulator does not know the type",
    ),
    Unsupported(
        "AWS::CloudWatch::CompositeAlarm",
        r"^    Type: AWS::CloudWatch::CompositeAlarm$",
        "CloudFormation of the emulator does not know the type",
    ),
    Unsupported(
        "AWS::CloudWatch::Alarm with Metrics",
        r"^    Type: AWS::CloudWatch::Alarm$(?s:.*)^      Metrics:$",
        "alarms of the emulator have no metric math",
    ),
)


def omit_unsupported(project: Path) -> dict[Unsupported, list[str]]:
    """Remove the resources from template.yaml and serverless.yml of a copy, and return their names."""
    template, serverless = project / "template.yaml", project / "serverless.yml"
    text, references = template.read_text(), serverless.read_text()
    omitted: dict[Unsupported, list[str]] = {}
    for name, resource in _resources(text).items():
        for kind in UNSUPPORTED:
            if re.search(kind.pattern, resource, re.MULTILINE):
                text = text.replace(resource, "")
                references = re.sub(rf"^      {name}: \$\{{file.*\n", "", references, flags=re.MULTILINE)
                omitted.setdefault(kind, []).append(name)
    template.write_text(text)
    serverless.write_text(references)
    return omitted


def _resources(text: str) -> dict[str, str]:
    """Return the text of each resource, by its name."""
    section = text.partition("\nResources:\n")[2].partition("\nOutputs:\n")[0]
    found = re.finditer(r"^  (\w+):.*\n(?:^(?:    .*)?\n)*", section, re.MULTILINE)
    return {each[1]: each[0] for each in found}
