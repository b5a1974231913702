"""Tests of a deployment tool on the AWS emulator, with a custom domain. They run in order."""

import pytest
import requests

from deploy.deployer_calls import CALLS
from deploy.network_parameters import DOMAIN, INVALID
from deploy.slash_proxy import slash_proxy
from support.fakes import sent
from tools.deploy_local.deployers import Deployer, DeploymentFailed
from tools.smoke.run import run as run_smoke_test

NAME = DOMAIN["DomainName"]


@pytest.fixture(scope="class")
def domain(stack):
    """The parameters of a domain whose hosted zone exists."""
    route53 = stack.emulator.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]
    return DOMAIN | {"HostedZoneId": zone["Id"].rpartition("/")[2]}


class DomainTests:
    """The tests of both tools. A subclass names the tool."""

    tool = Deployer

    def get(self, stack, path):
        """Send a request to the domain."""
        return requests.get(stack.emulator.url + path, headers={"Host": NAME}, timeout=30)

    def records(self, stack, domain):
        """Return the names and types of the zone's records, without those of the zone itself."""
        route53 = stack.emulator.client("route53")
        found = route53.list_resource_record_sets(HostedZoneId=domain["HostedZoneId"])["ResourceRecordSets"]
        return {(each["Name"], each["Type"]) for each in found if each["Type"] not in {"NS", "SOA"}}

    def domains(self, stack):
        """Return the domains and the certificates."""
        api, acm = stack.emulator.client("apigatewayv2"), stack.emulator.client("acm")
        names = [each["DomainName"] for each in api.get_domain_names()["Items"]]
        return names, [each["DomainName"] for each in acm.list_certificates()["CertificateSummaryList"]]

    def test_a_stack_creates_the_domain_the_certificate_and_the_record(self, stack, domain):
        stack.deployer.deploy(stack.parameters | domain)
        assert self.domains(stack) == ([NAME], [NAME])
        assert (f"{NAME}.", "A") in self.records(stack, domain)
        assert stack.outputs()["ApiUrl"] == f"https://{NAME}"
        response = self.get(stack, "/news?limit=1")
        assert response.status_code == 200, response.text

    def smoke_test(self, stack, path=""):
        """Run the smoke test at a path of the domain, and return whether it passed."""
        with slash_proxy(stack.emulator.url) as proxy:
            return run_smoke_test(proxy.url + path, stack.issuer.token(), host=NAME, skip={"health"})

    def test_the_smoke_test_passes_at_the_domain(self, stack, domain, capsys):
        assert self.smoke_test(stack), capsys.readouterr().out

    def test_a_base_path_moves_the_api_and_its_links(self, stack, domain):
        before = stack.live_version()
        stack.deployer.deploy(stack.parameters | domain | {"BasePath": "v1"})
        assert stack.outputs()["ApiUrl"] == f"https://{NAME}/v1"
        token = {"Authorization": f"Bearer {stack.issuer.token()}", "Host": NAME}
        for number in range(2):
            url = f"{stack.emulator.url}/v1/news"
            created = requests.post(url, json=sent(number), headers=token, timeout=30)
            assert created.headers["Location"].startswith("/v1/news/")
        assert self.get(stack, "/v1/news?limit=1").headers["Link"].startswith("</v1/news/?limit=1&cursor=")
        assert self.get(stack, "/news").status_code in {403, 404}
        assert int(stack.live_version()["Version"]) == int(before["Version"]) + 1

    def test_the_smoke_test_passes_under_the_base_path(self, stack, domain, capsys):
        assert self.smoke_test(stack, "/v1"), capsys.readouterr().out

    def test_api_gateways_own_domain_can_be_disabled(self, stack, domain):
        stack.deployer.deploy(stack.parameters | domain | {"DisableExecuteApiEndpoint": "true"})
        api = stack.emulator.client("apigatewayv2").get_api(ApiId=stack.api_id())
        assert api["DisableExecuteApiEndpoint"] is True
        assert self.get(stack, "/news").status_code == 200

    def test_contradicting_parameters_stop_with_one_line_before_the_build(self, stack):
        line = "Set DomainName with BasePath"
        [given] = INVALID[line]
        with pytest.raises(DeploymentFailed) as stopped:
            stack.deployer.deploy(stack.parameters | given)
        assert str(stopped.value).partition(" failed:\n")[2] == f"deploy: {line}\n"

    def test_a_stack_without_the_parameters_removes_all_of_it(self, stack, domain):
        stack.deployer.deploy(stack.parameters)
        assert self.domains(stack) == ([], [])
        assert self.records(stack, domain) == set()
        assert "execute-api" in stack.outputs()["ApiUrl"]
        assert stack.request("GET", "/news").status_code == 200

    def test_removal_of_the_stack_removes_the_domain(self, stack, domain):
        stack.deployer.deploy(stack.parameters | domain | {"BasePath": "v1"})
        assert self.domains(stack) == ([NAME], [NAME])
        stack.deployer.remove()
        assert self.domains(stack) == ([], [])
        assert self.records(stack, domain) == set()

    def test_every_call_is_listed(self, stack):
        assert stack.actions <= set(CALLS[self.tool])
