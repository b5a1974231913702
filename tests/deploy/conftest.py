"""Fixtures of the deployment tests: a copy of the project, stacks on the emulator, the stand-in."""

import pytest

from deploy.emulated_stack import EmulatedStack
from deploy.project import Project
from deploy.stand_in.aws import CACHE_HOST, FAKE_AWS, StandIn
from deploy.stand_in.lambda_environment import LambdaEnvironment
from support.certificates import certificate
from support.redis_servers import BINARY, REASON, Valkey
from tools.deploy_local.omissions import PARAMETERS
from tools.package.python import runtime_python


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A copy of the project, so that tests leave no files in the original."""
    return Project.copy(tmp_path_factory.mktemp("project") / "news")


@pytest.fixture(scope="session")
def aws(processes, tmp_path_factory):
    """The stand-in for AWS."""
    if not FAKE_AWS.exists():
        pytest.skip("there is no ../shared/lab/aws, the stand-in for what the emulator does not support")
    return StandIn(processes, tmp_path_factory.mktemp("aws") / "log")


@pytest.fixture(scope="session")
def lambda_environment(tmp_path_factory):
    """The environment of deployed functions."""
    if not BINARY:
        pytest.skip(REASON)
    folder = tmp_path_factory.mktemp("lambda_environment")
    with Valkey(folder) as valkey:
        made = LambdaEnvironment(folder, runtime_python(), valkey, certificate(folder, CACHE_HOST))
        yield made
        made.elasticache.close()


@pytest.fixture(scope="class")
def stack(request, tmp_path_factory):
    """A stack on the AWS emulator, deployed by the tool of the class."""
    tool = request.cls.tool
    with EmulatedStack(tool, tmp_path_factory.mktemp(tool.__name__)) as made:
        made.parameters = PARAMETERS | made.issuer.parameters
        made.deployer.deploy(made.parameters)
        yield made


@pytest.fixture(scope="class")
def existing(stack, tmp_path_factory):
    """The parameters that name a network, a cache and the retained table of a removed stack."""
    if not BINARY:
        pytest.skip(REASON)
    ec2 = stack.emulator.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"]
        for number in range(2)
    ]
    group = ec2.create_security_group(VpcId=vpc, GroupName="api", Description="functions")["GroupId"]
    [table] = stack.emulator.client("dynamodb").list_tables()["TableNames"]
    with Valkey(tmp_path_factory.mktemp("cache")) as valkey:
        yield {
            "SubnetIds": ",".join(subnets),
            "SecurityGroupIds": group,
            "RedisUrl": f"redis://127.0.0.1:{valkey.port}",
            "NewsTableName": table,
        }
