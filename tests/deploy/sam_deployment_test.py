"""SAM on the AWS emulator."""

from deploy.deployment_tests import DeploymentTests
from tools.deploy_local.deployers import Sam


class TestSam(DeploymentTests):
    """`make deploy-sam` and `sam delete`."""

    tool = Sam
