"""SAM on the AWS emulator."""

from deploy.deployment_tests import DeploymentTests
from tools.deploy_local.deployers import Sam


class TestSam(DeploymentTests):
    """`sam build`, `sam deploy` and `sam delete`."""

    tool = Sam

    def deploy_parameters(self, stack, parameters):
        return stack.deployer.deploy_built(parameters)
