"""The template fits the code: routes and scopes, settings, table, permissions, CORS."""

import pytest

from deploy import code_matches_template
from deploy.network_parameters import DOMAIN, PARAMETER, SECRET
from deploy.sam_matches_serverless_test import ISSUER, NON_DEFAULT
from tools.deploy.template import ResolvedTemplate
from tools.local.tables import TABLES


@pytest.fixture(scope="module")
def sam(project):
    return project.sam()


@pytest.mark.parametrize("parameters", [{}, ISSUER], ids=["read-only", "issuer"])
def test_every_view_has_a_route_with_its_scope(sam, parameters):
    assert list(code_matches_template.routes(ResolvedTemplate(sam, **parameters))) == []


def test_scope_prefix_is_in_every_route_and_in_the_environment(sam):
    resolved = ResolvedTemplate(sam, **ISSUER, AuthScopePrefix="news-api/")
    assert list(code_matches_template.routes(resolved, "news-api/")) == []
    for function in resolved.of_type("Lambda::Function").values():
        assert function["Environment"]["Variables"]["AUTH_SCOPE_PREFIX"] == "news-api/"


def test_without_an_issuer_there_are_no_write_routes(sam):
    methods = {
        each["RouteKey"].split()[0] for each in ResolvedTemplate(sam).of_type("ApiGatewayV2::Route").values()
    }
    assert methods == {"GET", "HEAD", "OPTIONS"}


def test_environment_variables_match_the_settings(sam):
    assert (
        list(code_matches_template.environment(ResolvedTemplate(sam), code_matches_template.declared(sam)))
        == []
    )


@pytest.mark.parametrize("path", ["", "v1"])
def test_mapping_key_of_the_domain_is_base_path(sam, path):
    resolved = ResolvedTemplate(sam, **DOMAIN, BasePath=path)
    assert list(code_matches_template.base_path(resolved)) == []
    [mapping] = resolved.of_type("ApiGatewayV2::ApiMapping").values()
    assert mapping.get("ApiMappingKey", "") == path
    assert resolved.outputs["ApiUrl"]["Value"] == f"https://{DOMAIN['DomainName']}/{path}".rstrip("/")


@pytest.mark.parametrize("parameters", [SECRET, PARAMETER], ids=["secret", "parameter"])
def test_role_may_read_the_references_of_the_environment(sam, parameters):
    resolved = ResolvedTemplate(sam, **parameters)
    assert list(code_matches_template.references(resolved)) == []
    [function] = resolved.of_type("Lambda::Function").values()
    assert function["Environment"]["Variables"]["REDIS_URL"].endswith("news/dev/redis-url")


def test_function_has_handler_runtime_log_group_and_timeout(sam):
    assert list(code_matches_template.function(ResolvedTemplate(sam))) == []


def test_dashboard_shows_every_table_and_log(sam):
    assert list(code_matches_template.dashboard(ResolvedTemplate(sam))) == []


def test_cors_of_the_api_equals_cors_of_the_app(sam):
    assert list(code_matches_template.cors(ResolvedTemplate(sam, **NON_DEFAULT))) == []


def test_table_has_the_keys_and_indexes_of_the_dao(sam, moto_url):
    assert list(code_matches_template.table(ResolvedTemplate(sam), moto_url)) == []


def test_table_of_prod_is_retained_and_protected_from_deletion(sam):
    assert list(code_matches_template.data_protection(ResolvedTemplate(sam, Stage="prod"))) == []


def test_role_allows_exactly_the_dynamodb_actions_of_the_dao_and_no_wildcard(sam, moto_url):
    assert list(code_matches_template.permissions(ResolvedTemplate(sam), moto_url)) == []


def test_readme_names_every_parameter(project):
    readme = (project.folder / "docs" / "deployment.md").read_text()
    tables = {f"{module.capitalize()}TableName" for module in TABLES if module != "news"}
    declared = project.template()["Parameters"].keys() - tables
    assert [name for name in declared if f"`{name}`" not in readme] == []
