"""API Gateway and the Lambda runtime of a deployed stack: they run the deployed function on this machine."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from http import HTTPStatus

from botocore.exceptions import ClientError

from deploy.code_matches_template import matches
from deploy.project import REGION
from deploy.stand_in.lambda_environment import RUNTIME, AccessKey
from support.environment import CLEAN, SHARED
from support.event_builders import Request, http_api_2

PROBE = SHARED / "lab" / "aws" / "probe.py"


class ApiGateway:
    """An HTTP API of API Gateway that invokes the deployed function with its deployed configuration."""

    def __init__(self, stack, environment):
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
        self._environment = environment

    def __enter__(self):
        deployed = self._stack.function()
        with contextlib.ExitStack() as running:
            folder = running.enter_context(tempfile.TemporaryDirectory(prefix="task-"))
            self._unpack(deployed["Code"]["Location"], folder)
            self._process = subprocess.Popen(
                [self._environment.python, "-B", RUNTIME / "runner.py"],
                cwd=folder,
                env=self._variables(deployed["Configuration"], folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            running.enter_context(self._process)
            running.enter_context(self._stack.aws.enforced_permissions())
            self._running = running.pop_all()
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._running.close()

    def request(self, method, path, body=None, claims=None, headers=()):
        """Return the function's response, or the API's 404, 401 or 403 without a route, token or scope."""
        path, _, query = path.partition("?")
        by_precedence = sorted(self._routes, key=lambda key: "{" in key[1])
        key = next((key for key in by_precedence if matches(key, method, path)), None)
        if key is None:
            return {"statusCode": HTTPStatus.NOT_FOUND, "headers": {}}
        authorizer, rejection = self._authorize(self._routes[key], claims)
        if rejection:
            return {"statusCode": rejection, "headers": {}}
        host = f"{self._api}.execute-api.{REGION}.amazonaws.com"
        fields = (("Content-Type", "application/json"), *headers) if body else headers
        sent = Request(method, path, query, fields, json.dumps(body).encode() if body else b"", host=host)
        event = http_api_2(sent, authorizer=authorizer) | {"routeKey": " ".join(key)}
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the function did not start, or exited"
        return json.loads(line)

    def _authorize(self, route, claims):
        """Return the authorizer part of the event, or the status code of the rejection.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
        """
        if route.get("AuthorizationType", "NONE") == "NONE":
            return None, None
        expected = self._authorizers[route["AuthorizerId"]]["JwtConfiguration"]
        if claims is None or claims["iss"] != expected["Issuer"] or claims["aud"] not in expected["Audience"]:
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

    def _variables(self, function, folder):
        credentials = self._stack.aws.client("sts").assume_role(
            RoleArn=function["Role"], RoleSessionName="lambda"
        )["Credentials"]
        self._environment.elasticache.keys[credentials["AccessKeyId"]] = AccessKey(
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


def probe(stack, environment, *requests):
    """Run the probe of ../shared and return its output."""
    env = CLEAN | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": stack.aws.url,
        "RUNTIME_PYTHON": str(environment.python),
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
