"""The Serverless Framework with existing resources, on the AWS emulator."""

from deploy.existing_resources_tests import ExistingResourcesTests
from tools.deploy_local.deployers import Sls


class TestSls(ExistingResourcesTests):
    """`make deploy-sls`, and `sls deploy` without make."""

    tool = Sls

    def deploy_without_make(self, deployer, parameters):
        given = " ".join(f"{name}={value}" for name, value in parameters.items())
        deployer.run("npx", "--no-install", "sls", "deploy", "--stage", deployer.stage, PARAMETERS=given)
