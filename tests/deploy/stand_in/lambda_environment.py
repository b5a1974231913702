"""The environment of a deployed function: Lambda's Python, host names, certificates, and the cache."""

from dataclasses import dataclass
from pathlib import Path

from deploy.project import REGION
from deploy.stand_in.aws import ACCOUNT, users_of_cache
from deploy.stand_in.elasticache import ElastiCache

RUNTIME = Path(__file__).parent / "lambda_runtime"


@dataclass
class AccessKey:
    """Credentials of a function, and the policy statements of its role."""

    secret: str
    token: str
    statements: list


@dataclass
class CacheUser:
    """A user of ElastiCache."""

    arn: str


@dataclass
class Cache:
    """A serverless cache, with its users by ID."""

    arn: str
    users: dict


class LambdaEnvironment:
    """The environment of deployed functions: Lambda's Python, host names, certificates, and the cache."""

    def __init__(self, folder, python, valkey, certificate):
        self.valkey = valkey
        self.elasticache = ElastiCache(valkey, certificate)
        self.python = folder / "python3.13"
        self.python.write_text(
            "#!/bin/sh\n"
            f"export SSL_CERT_FILE={certificate} ELASTICACHE_PORT={self.elasticache.port}\n"
            f"export PYTHONPATH={RUNTIME}\n"
            f'exec {python} "$@"\n'
        )
        self.python.chmod(0o755)

    def add_caches(self, stack):
        """Make the cache of a stack available, with the users and permissions of its group; empty it."""
        self.elasticache.refusals.clear()
        with self.valkey.client() as client:
            client.flushall()
        for name in stack.ids("ElastiCache::ServerlessCache"):
            users = {}
            for each in stack.aws.client("elasticache").describe_users()["Users"]:
                if each["UserId"] in users_of_cache(stack):
                    users[each["UserId"]] = CacheUser(each["ARN"])
                    acl = each["AccessString"].split()
                    with self.valkey.client() as client:
                        client.execute_command("ACL", "SETUSER", each["UserName"], "reset", "nopass", *acl)
            arn = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:serverlesscache:{name}"
            self.elasticache.caches[name] = Cache(arn, users)
