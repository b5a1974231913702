"""Tests of a deployment tool on the AWS emulator: create, use, update, roll back, prune and remove a stack.

The tests run in order, on one stack.
"""

import sys

import pytest

from deploy.deployer_calls import CALLS
from deploy.emulated_stack import TAGS
from support.fakes import sent
from tools.deploy_local.deployers import Deployer, DeploymentFailed
from tools.deploy_local.omissions import PARAMETERS

ORIGIN = "https://app.example.com"
OLD, NEW = "List news, newest first.", "List the newest news first."
"""The description of a route in the OpenAPI document, before and after a change of code."""


class DeploymentTests:
    """The tests of both tools. A subclass names the tool."""

    tool = Deployer

    def test_api_reads_and_writes(self, stack):
        token = {"Authorization": f"Bearer {stack.issuer.token()}"}
        assert stack.request("GET", "/news").json() == {"items": [], "next_cursor": None}
        created = stack.request("POST", "/news", json=sent(1), headers=token)
        assert created.status_code == 201
        item = stack.request("GET", created.headers["Location"])
        assert (item.status_code, item.json()) == (200, created.json())
        assert stack.request("GET", "/news/?category=science").json()["items"] == [created.json()]
        match = token | {"If-Match": created.headers["ETag"]}
        replaced = stack.request("PUT", created.headers["Location"], json=sent(1, title="New"), headers=match)
        assert (replaced.status_code, replaced.json()["title"]) == (200, "New")
        second = stack.request("POST", "/news", json=sent(2), headers=token).headers["Location"]
        assert stack.request("DELETE", second, headers=token).status_code == 204
        assert stack.request("GET", second).status_code == 404

    def test_writes_without_a_valid_token_are_rejected(self, stack):
        for headers in ({}, {"Authorization": "Bearer x.y.z"}):
            rejected = stack.request("POST", "/news", json=sent(3), headers=headers)
            assert (rejected.status_code, rejected.json()) == (401, {"message": "Unauthorized"})

    def test_the_stack_and_the_function_have_the_tags_of_the_project(self, stack):
        [described] = stack.emulator.client("cloudformation").describe_stacks(StackName=stack.deployer.stack)[
            "Stacks"
        ]
        tags = {each["Key"]: each["Value"] for each in described["Tags"]}
        assert TAGS.items() <= tags.items()

    def test_head_health_and_unknown_paths(self, stack):
        head = stack.request("HEAD", "/news")
        assert (head.status_code, head.content, head.headers["X-Cache"]) == (200, b"", "BYPASS")
        health = stack.request("GET", "/$default/health?deep=1")  # the emulator itself serves /health
        assert health.json() == {"status": "ok", "checks": {"dynamodb": "ok"}}
        unknown = stack.request("GET", "/nothing")
        assert (unknown.status_code, unknown.json()) == (404, {"message": "Not Found"})

    def test_requests_are_logged(self, stack):
        logs = stack.emulator.client("logs")
        name = stack.live_version()["LoggingConfig"]["LogGroup"]
        events = logs.filter_log_events(logGroupName=name)["events"]
        assert any('"route":"POST /news","status":201' in each["message"] for each in events)

    def test_deployment_without_changes_publishes_nothing(self, stack):
        assert "No changes to deploy" in stack.deployer.deploy(stack.parameters)
        assert stack.live_version()["Version"] == "1"

    def test_changed_code_is_published(self, stack):
        before = stack.live_version()
        document = stack.deployer.project / "openapi.json"
        assert OLD in document.read_text()
        document.write_text(document.read_text().replace(OLD, NEW))
        stack.deployer.deploy(stack.parameters | {"CorsOrigins": ORIGIN})
        assert stack.live_version()["Version"] == "2"
        assert stack.live_version()["CodeSha256"] != before["CodeSha256"]
        assert NEW in stack.request("GET", "/openapi.json").text

    def test_preflight_allows_the_origin(self, stack):
        stack.apply_cors(ORIGIN)
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        allowed = stack.request("OPTIONS", "/news", headers={"Origin": ORIGIN, **asked}).headers
        assert allowed["Access-Control-Allow-Origin"] == ORIGIN
        assert "POST" in allowed["Access-Control-Allow-Methods"]
        assert "authorization" in allowed["Access-Control-Allow-Headers"].lower()
        assert (
            "ETag"
            in stack.request("GET", "/news", headers={"Origin": ORIGIN}).headers[
                "Access-Control-Expose-Headers"
            ]
        )
        other = stack.request("OPTIONS", "/news", headers={"Origin": "https://example.com", **asked})
        assert "Access-Control-Allow-Origin" not in other.headers

    def test_changed_parameters_are_published(self, stack):
        before = stack.live_version()
        parameters = PARAMETERS | {"LogLevel": "WARNING"}  # without an issuer
        with pytest.raises(DeploymentFailed, match="this would remove the issuer"):
            stack.deployer.deploy(parameters)
        stack.deployer.deploy(parameters, ALLOW="drop-issuer")
        after = stack.live_version()
        assert (after["Version"], after["CodeSha256"]) == ("3", before["CodeSha256"])
        assert after["Environment"]["Variables"]["LOG_LEVEL"] == "WARNING"
        token = {"Authorization": f"Bearer {stack.issuer.token()}"}
        assert stack.request("POST", "/news", json=sent(4), headers=token).status_code == 404
        assert stack.request("GET", "/news").status_code == 200

    def test_rollback_restores_the_previous_version(self, stack):
        assert "live points to version 2, was 3" in self.run(stack, "rollback")
        assert stack.live_version()["Environment"]["Variables"]["LOG_LEVEL"] == "INFO"
        assert NEW in stack.request("GET", "/openapi.json").text

    def test_prune_keeps_what_the_alias_the_stack_and_a_rollback_need(self, stack):
        assert "keeps 1, 2, 3; would delete none" in self.run(stack, "prune")
        assert "keeps 2, 3; deletes 1" in self.run(stack, "prune", "--keep", "0", "--delete")
        stack.publish_versions(count=3)
        plan = "keeps 3, 4, 5, 6; would delete 2\nNothing was deleted: DELETE=yes deletes.\n"
        assert self.run(stack, "prune").endswith(plan)
        assert stack.versions() == [2, 3, 4, 5, 6]
        assert self.run(stack, "prune", "--delete").endswith("keeps 3, 4, 5, 6; deletes 2\n")
        assert stack.versions() == [3, 4, 5, 6]

    def run(self, stack, tool, *arguments):
        """Return the output of a tool of tools/versions for the news function of the stage."""
        command = (sys.executable, "-m", f"tools.versions.{tool}", "--stage", stack.deployer.stage)
        return stack.deployer.run(*command, "--module", "news", *arguments)

    def test_removal_keeps_only_what_is_documented(self, stack):
        outputs = stack.outputs()
        stack.deployer.remove()
        left = {each for each in stack.resources() if not each.startswith("aws-sam-cli-managed-default")}
        assert left == {value for name, value in outputs.items() if name.endswith("TableName")}
        items = stack.emulator.client("dynamodb").scan(TableName=outputs["NewsTableName"])["Items"]
        assert [each["title"] for each in items] == [{"S": "New"}]

    def test_every_call_is_listed(self, stack):
        assert stack.actions <= set(CALLS[self.tool])
