"""The Serverless Framework with a custom domain, on the AWS emulator."""

from deploy.domain_tests import DomainTests, domain
from tools.deploy_local.deployers import Sls

__all__ = ["domain"]


class TestSls(DomainTests):
    """`make deploy-sls`."""

    tool = Sls
