"""The template says what the code needs: routes and scopes, settings, table, permissions, CORS."""

import pytest

from deploy import code_matches_template
from deploy.resolve_template import ResolvedTemplate
from deploy.sam_matches_serverless_test import EVERYTHING, ISSUER


@pytest.fixture(scope="module")
def sam(project):
    return project.sam()


@pytest.mark.parametrize("parameters", [{}, ISSUER], ids=["nobody writes", "issuer"])
def test_every_view_has_its_route_with_its_scope(sam, parameters):
    assert list(code_matches_template.routes(ResolvedTemplate(sam, **parameters))) == []


def test_every_scope_has_the_prefix_of_the_issuer_and_the_function_knows_it(sam):
    resolved = ResolvedTemplate(sam, **ISSUER, AuthScopePrefix="news-api/")
    assert list(code_matches_template.routes(resolved, "news-api/")) == []
    for function in resolved.of_type("Lambda::Function").values():
        assert function["Environment"]["Variables"]["AUTH_SCOPE_PREFIX"] == "news-api/"


def test_without_an_issuer_no_route_changes_anything(sam):
    methods = {
        each["RouteKey"].split()[0] for each in ResolvedTemplate(sam).of_type("ApiGatewayV2::Route").values()
    }
    assert methods == {"GET", "HEAD", "OPTIONS"}


def test_the_environment_is_what_the_settings_read(sam):
    assert (
        list(code_matches_template.environment(ResolvedTemplate(sam), code_matches_template.declared(sam)))
        == []
    )


def test_the_function_is_one_that_is_built_and_heard(sam):
    assert list(code_matches_template.function(ResolvedTemplate(sam))) == []


def test_the_dashboard_shows_every_table_and_log(sam):
    assert list(code_matches_template.shown(ResolvedTemplate(sam))) == []


def test_the_api_tells_browsers_what_the_app_would(sam):
    assert list(code_matches_template.cors(ResolvedTemplate(sam, **EVERYTHING))) == []


def test_the_table_is_the_daos(sam, moto_url):
    assert list(code_matches_template.table(ResolvedTemplate(sam), moto_url)) == []


def test_the_table_of_prod_outlives_its_stack_and_can_not_be_deleted(sam):
    assert list(code_matches_template.kept(ResolvedTemplate(sam, Stage="prod"))) == []


def test_the_role_may_do_what_the_dao_does_and_no_more(sam, moto_url):
    assert list(code_matches_template.permissions(ResolvedTemplate(sam), moto_url)) == []


def test_the_readme_names_every_parameter(project):
    readme = (project.folder / "README.md").read_text()
    assert [name for name in project.template()["Parameters"] if f"`{name}`" not in readme] == []
