"""SAM with existing resources, on the AWS emulator."""

from deploy.existing_resources_tests import ExistingResourcesTests
from tools.deploy_local.deployers import Sam


class TestSam(ExistingResourcesTests):
    """`make deploy-sam`, and `sam deploy` without make."""

    tool = Sam

    def deploy_without_make(self, deployer, parameters):
        overrides = [f"{name}={value}" for name, value in ({"Stage": deployer.stage} | parameters).items()]
        deployer.run("sam", "deploy", "--stack-name", deployer.stack, "--parameter-overrides", *overrides)
