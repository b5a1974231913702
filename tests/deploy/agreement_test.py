"""The template says what the code needs: routes and scopes, settings, table, permissions, CORS."""

import pytest

from deploy import agreement
from deploy.parity_test import EVERYTHING, ISSUER
from deploy.resolving import Resolved


@pytest.fixture(scope="module")
def sam(project):
    return project.sam()


@pytest.mark.parametrize("parameters", [{}, ISSUER], ids=["nobody writes", "issuer"])
def test_every_view_has_its_route_with_its_scope(sam, parameters):
    assert list(agreement.routes(Resolved(sam, **parameters))) == []


def test_every_scope_has_the_prefix_of_the_issuer_and_the_function_knows_it(sam):
    resolved = Resolved(sam, **ISSUER, AuthScopePrefix="news-api/")
    assert list(agreement.routes(resolved, "news-api/")) == []
    for function in resolved.of_type("Lambda::Function").values():
        assert function["Environment"]["Variables"]["AUTH_SCOPE_PREFIX"] == "news-api/"


def test_without_an_issuer_no_route_changes_anything(sam):
    methods = {each["RouteKey"].split()[0] for each in Resolved(sam).of_type("ApiGatewayV2::Route").values()}
    assert methods == {"GET", "HEAD", "OPTIONS"}


def test_the_environment_is_what_the_settings_read(sam):
    assert list(agreement.environment(Resolved(sam), agreement.declared(sam))) == []


def test_the_function_is_one_that_is_built_and_heard(sam):
    assert list(agreement.function(Resolved(sam))) == []


def test_the_dashboard_shows_every_table_and_log(sam):
    assert list(agreement.shown(Resolved(sam))) == []


def test_the_api_tells_browsers_what_the_app_would(sam):
    assert list(agreement.cors(Resolved(sam, **EVERYTHING))) == []


def test_the_table_is_the_daos(sam, moto_url):
    assert list(agreement.table(Resolved(sam), moto_url)) == []


def test_the_table_of_prod_outlives_its_stack_and_can_not_be_deleted(sam):
    assert list(agreement.kept(Resolved(sam, Stage="prod"))) == []


def test_the_role_may_do_what_the_dao_does_and_no_more(sam, moto_url):
    assert list(agreement.permissions(Resolved(sam), moto_url)) == []


def test_the_deployment_page_names_every_parameter(project):
    page = (project.folder / "docs" / "deployment.md").read_text()
    assert [name for name in project.template()["Parameters"] if f"`{name}`" not in page] == []
