"""A preview on the AWS emulator: a GitHub job deploys the stage pr-7 with its role, and removes it."""

import pytest

from deploy.bootstrap import assume_role, create_sam_bucket, deploy_bootstrap
from deploy.emulated_stack import EmulatedStack
from tools.deploy_local.deployers import DeploymentFailed, Sam, Sls
from tools.deploy_local.omissions import PARAMETERS

PREVIEW = PARAMETERS | {"RetainTables": "false"}


def sign_in(emulator):
    """Return the credentials of a job with the environment preview."""
    deploy_bootstrap(emulator, "preview")
    create_sam_bucket(emulator)
    return assume_role(emulator, "preview")


@pytest.mark.parametrize("tool", [Sam, Sls])
def test_a_preview_is_deployed_and_removed_with_its_table(tool, tmp_path):
    with EmulatedStack(tool, tmp_path, "pr-7", sign_in) as stack:
        before = set(stack.resources())
        stack.deployer.deploy(PREVIEW)
        assert stack.outputs()["NewsTableName"] in set(stack.resources())
        assert stack.request("GET", "/news").json() == {"items": [], "next_cursor": None}
        stack.deployer.deploy(PREVIEW | {"LogLevel": "DEBUG"})  # the next push
        stack.deployer.remove()
        assert set(stack.resources()) == before
        assert "remove: there is no stack" in stack.deployer.remove()  # a pull request that had no preview


def test_the_role_of_previews_deploys_no_other_stage(tmp_path):
    with EmulatedStack(Sam, tmp_path, "dev", sign_in) as stack:
        with pytest.raises(DeploymentFailed, match="AccessDenied"):
            stack.deployer.deploy(PREVIEW)
        assert stack.deployer.stack not in set(stack.resources())
