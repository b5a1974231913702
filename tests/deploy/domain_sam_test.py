"""SAM with a custom domain, on the AWS emulator."""

from deploy.domain_tests import DomainTests, domain
from tools.deploy_local.deployers import Sam

__all__ = ["domain"]


class TestSam(DomainTests):
    """`make deploy-sam`."""

    tool = Sam
