"""What the proofs of the deployment have in common: a copy of the project, and a stand-in for AWS."""

import pytest

from deploy.aws_emulator import CACHE_HOST, FAKE_AWS, Aws, Surroundings
from deploy.project import Project
from support.certificates import certificate
from support.redis_servers import BINARY, REASON, Valkey
from tools.package.python import runtime_python


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A copy of the project, so that nothing is made in the real one."""
    return Project.copy(tmp_path_factory.mktemp("project") / "news")


@pytest.fixture(scope="session")
def aws(processes, tmp_path_factory):
    """The stand-in for AWS."""
    if not FAKE_AWS.exists():
        pytest.skip("../shared/lab/aws is not there: nothing stands for AWS")
    return Aws(processes, tmp_path_factory.mktemp("aws") / "log")


@pytest.fixture(scope="session")
def surroundings(tmp_path_factory):
    """What a deployed function finds around it."""
    if not BINARY:
        pytest.skip(REASON)
    folder = tmp_path_factory.mktemp("surroundings")
    with Valkey(folder) as valkey:
        made = Surroundings(folder, runtime_python(), valkey, certificate(folder, CACHE_HOST))
        yield made
        made.elasticache.close()
