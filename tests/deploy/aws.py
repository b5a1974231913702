"""The stand-in for AWS as tests use it: started, asked, and what was deployed to it run."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import boto3
import requests
import yaml
from botocore.exceptions import ClientError

from deploy.agreement import takes
from deploy.elasticache import ElastiCache
from deploy.project import REGION, TOOLS, Loader
from support.environment import CLEAN, SHARED
from support.event_builders import Request, http_api_2
from tools.local.processes import free_port, wait_for_port

FAKE_AWS = SHARED / "lab" / "aws" / "fake_aws.py"
PROBE = SHARED / "lab" / "aws" / "probe.py"
SITE = Path(__file__).parent / "lambda_site"
ACCOUNT = "123456789012"
HANDLER = "functions.news.handler"
CACHE_HOST = "news-x1.serverless.euc1.cache.amazonaws.com"


class Aws:
    """A running stand-in."""

    def __init__(self, processes, log):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [TOOLS / "python", Path(__file__).parent / "stand_in.py", FAKE_AWS, port]
        env = {
            "FAKE_CACHE_HOST": CACHE_HOST,
            "MOTO_ACCOUNT_ID": ACCOUNT,
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        }
        wait_for_port(processes.start(list(map(str, command)), env, log), port)

    def client(self, service):
        """A client of the developer's."""
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, **keys)

    @contextlib.contextmanager
    def permissions_checked(self):
        """Only what roles allow is allowed, until the end."""
        requests.post(f"{self.url}/moto-api/reset-auth", data="0", timeout=10)
        try:
            yield
        finally:
            requests.post(f"{self.url}/moto-api/reset-auth", data="inf", timeout=10)


class Stack:
    """A deployed stack."""

    def __init__(self, aws, name):
        self.aws, self.name = aws, name
        found = aws.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
        self.resources = {
            each["LogicalResourceId"]: (each["ResourceType"], each["PhysicalResourceId"]) for each in found
        }

    def ids(self, kind):
        """Physical ids of the resources of a type."""
        return [found for type_, found in self.resources.values() if type_ == f"AWS::{kind}"]

    def id(self, kind):
        """The physical id of the only one of a type."""
        [found] = self.ids(kind)
        return found

    def described(self):
        """What CloudFormation says of the stack."""
        return self.aws.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]

    def outputs(self):
        """The outputs of the stack."""
        return {each["OutputKey"]: each["OutputValue"] for each in self.described().get("Outputs", [])}

    def template(self):
        """The template as it was deployed."""
        body = self.aws.client("cloudformation").get_template(StackName=self.name)["TemplateBody"]
        return yaml.load(body, Loader) if isinstance(body, str) else body

    def routes(self):
        """The API's routes by method and path."""
        api = self.aws.client("apigatewayv2")
        found = api.get_routes(ApiId=self.id("ApiGatewayV2::Api"))["Items"]
        return {tuple(each["RouteKey"].split(" ")): each for each in found}

    def functions(self):
        """The functions that the API calls, by their handlers, in the versions that it calls."""
        api, client = self.aws.client("apigatewayv2"), self.aws.client("lambda")
        integrations = api.get_integrations(ApiId=self.id("ApiGatewayV2::Api"))["Items"]
        found = [client.get_function(FunctionName=each["IntegrationUri"]) for each in integrations]
        return {each["Configuration"]["Handler"]: each for each in found}

    def function(self):
        """The function of the module news."""
        return self.functions()[HANDLER]

    def statements(self, function):
        """What a function's role may do."""
        iam = self.aws.client("iam")
        role = function["Role"].split("/")[-1]
        documents = [
            iam.get_role_policy(RoleName=role, PolicyName=each)["PolicyDocument"]
            for each in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
        return [statement for each in documents for statement in each["Statement"]]


@dataclass
class Key:
    """A function's access key, and what its role may do."""

    secret: str
    token: str
    statements: list


@dataclass
class CacheUser:
    arn: str


@dataclass
class Cache:
    arn: str
    users: dict


class Surroundings:
    """What a function finds around it: its Python, names, certificates, and a cache to log in to."""

    def __init__(self, folder, python, valkey, certificate):
        self.valkey = valkey
        self.elasticache = ElastiCache(valkey, certificate)
        self.python = folder / "python3.13"
        self.python.write_text(
            "#!/bin/sh\n"
            f"export SSL_CERT_FILE={certificate} ELASTICACHE_PORT={self.elasticache.port} PYTHONPATH={SITE}\n"
            f'exec {python} "$@"\n'
        )
        self.python.chmod(0o755)

    def know(self, stack):
        """Let the cache of a stack be there, with the users of its group and their rights."""
        self.elasticache.refusals.clear()
        with self.valkey.client() as client:
            client.flushall()
        for name in stack.ids("ElastiCache::ServerlessCache"):
            users = {}
            for each in stack.aws.client("elasticache").describe_users()["Users"]:
                if each["UserId"] in users_of_cache(stack):
                    users[each["UserId"]] = CacheUser(each["ARN"])
                    rights = each["AccessString"].split()
                    with self.valkey.client() as client:
                        client.execute_command("ACL", "SETUSER", each["UserName"], "reset", "nopass", *rights)
            arn = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:serverlesscache:{name}"
            self.elasticache.caches[name] = Cache(arn, users)


def users_of_cache(stack):
    """Ids of the users of the group that the cache has."""
    resources = stack.template()["Resources"]
    [cache] = (each for each in resources.values() if each["Type"] == "AWS::ElastiCache::ServerlessCache")
    group = resources.get(cache["Properties"].get("UserGroupId", {}).get("Ref"), {"Properties": {}})
    return {stack.resources[each["Ref"]][1] for each in group["Properties"].get("UserIds", [])}


class Gateway:
    """The API in front of the deployed function, run as it is deployed, as an HTTP API would call it."""

    def __init__(self, stack, surroundings):
        self._stack = stack
        self._api = stack.id("ApiGatewayV2::Api")
        self._routes = stack.routes()
        self._authorizers = {
            each["AuthorizerId"]: stack.aws.client("apigatewayv2").get_authorizer(
                ApiId=self._api, AuthorizerId=each["AuthorizerId"]
            )
            for each in self._routes.values()
            if "AuthorizerId" in each
        }
        self._surroundings = surroundings

    def __enter__(self):
        deployed = self._stack.function()
        with contextlib.ExitStack() as running:
            folder = running.enter_context(tempfile.TemporaryDirectory(prefix="task-"))
            self._unpack(deployed["Code"]["Location"], folder)
            self._process = subprocess.Popen(
                [self._surroundings.python, "-B", SITE / "runner.py"],
                cwd=folder,
                env=self._environment(deployed["Configuration"], folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            running.enter_context(self._process)
            running.enter_context(self._stack.aws.permissions_checked())
            self._running = running.pop_all()
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._running.close()

    def ask(self, method, path, body=None, claims=None, headers=()):
        """The function's answer, or the API's own where there is no route, no token, or no scope."""
        path, _, query = path.partition("?")
        key = next(
            (key for key in sorted(self._routes, key=lambda key: "{" in key[1]) if takes(key, method, path)),
            None,
        )
        if key is None:
            return {"statusCode": HTTPStatus.NOT_FOUND, "headers": {}}
        authorizer, refusal = self._authorize(self._routes[key], claims)
        if refusal:
            return {"statusCode": refusal, "headers": {}}
        host = f"{self._api}.execute-api.{REGION}.amazonaws.com"
        fields = (("Content-Type", "application/json"), *headers) if body else headers
        sent = Request(method, path, query, fields, json.dumps(body).encode() if body else b"", host=host)
        event = http_api_2(sent, authorizer=authorizer) | {"routeKey": " ".join(key)}
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the function did not start, or ended"
        return json.loads(line)

    def _authorize(self, route, claims):
        """What the event says of the caller, and the status where he is refused.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
        """
        if route.get("AuthorizationType", "NONE") == "NONE":
            return None, None
        wanted = self._authorizers[route["AuthorizerId"]]["JwtConfiguration"]
        if claims is None or claims["iss"] != wanted["Issuer"] or claims["aud"] not in wanted["Audience"]:
            return None, HTTPStatus.UNAUTHORIZED
        scopes = route.get("AuthorizationScopes", [])
        if scopes and not set(scopes) & set(claims["scope"].split()):
            return None, HTTPStatus.FORBIDDEN
        return {"jwt": {"claims": claims, "scopes": scopes}}, None

    def _unpack(self, location, folder):
        key = location.split(".amazonaws.com/", 1)[1]
        s3 = self._stack.aws.client("s3")
        for bucket in s3.list_buckets()["Buckets"]:
            with contextlib.suppress(ClientError):
                code = s3.get_object(Bucket=bucket["Name"], Key=key)["Body"].read()
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            archive.extractall(folder)

    def _environment(self, function, folder):
        credentials = self._stack.aws.client("sts").assume_role(
            RoleArn=function["Role"], RoleSessionName="lambda"
        )["Credentials"]
        self._surroundings.elasticache.keys[credentials["AccessKeyId"]] = Key(
            credentials["SecretAccessKey"], credentials["SessionToken"], self._stack.statements(function)
        )
        return {
            "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
            "AWS_SESSION_TOKEN": credentials["SessionToken"],
            "AWS_ENDPOINT_URL": self._stack.aws.url,
            "AWS_LAMBDA_FUNCTION_NAME": function["FunctionName"],
            "AWS_REGION": REGION,
            "LAMBDA_TASK_ROOT": folder,
            "PATH": CLEAN["PATH"],
            "TZ": ":UTC",
            "_HANDLER": function["Handler"],
        } | function["Environment"]["Variables"]


def probe(stack, surroundings, *requests):
    """Run the probe of ../shared as it is, and return what it prints."""
    env = CLEAN | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": stack.aws.url,
        "RUNTIME_PYTHON": str(surroundings.python),
    }
    done = subprocess.run(
        [sys.executable, PROBE, stack.name, *map(json.dumps, requests)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
