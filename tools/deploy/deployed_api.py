"""The smoke test of the API that was just deployed."""

import os

import boto3

from tools.deploy import DeployError
from tools.smoke.run import run


def check_deployed_api(stack: str, stage: str, region: str) -> None:
    """Run the smoke test at the output ApiUrl of a stack, with TOKEN and ORIGIN. SMOKE=no skips it.

    Raises:
        DeployError: a check failed.
    """
    if os.environ.get("SMOKE") == "no":
        return
    [described] = boto3.client("cloudformation", region_name=region).describe_stacks(StackName=stack)[
        "Stacks"
    ]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
    if not run(outputs["ApiUrl"], os.environ.get("TOKEN", ""), os.environ.get("ORIGIN", "")):
        raise DeployError(
            f"{stack} is deployed, and its smoke test failed: "
            f"make rollback STAGE={stage} returns to the version before"
        )
