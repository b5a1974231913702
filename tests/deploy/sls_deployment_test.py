"""The Serverless Framework on the AWS emulator."""

from deploy.deployment_tests import DeploymentTests
from tools.deploy_local.deployers import Sls


class TestSls(DeploymentTests):
    """`make deploy-sls` and `sls remove`."""

    tool = Sls
