"""The log contains no token, header, body, query or path."""

from shared.errors import Unavailable
from support import token_issuer
from support.cache_harness import make_app
from support.fakes import FakeDao, sent
from support.log_lines import parse_request_log

SECRETS = ("s3cr3t-token", "s3cr3t-body", "s3cr3t-query", "s3cr3t-header", "s3cr3t-path")


def test_tokens_headers_bodies_queries_and_paths_are_not_logged(tmp_path, capsys):
    token, body, query, header, path = SECRETS

    class FailingDao(FakeDao):
        error: Exception = RuntimeError("no secret")

        def fail(self, *_):
            raise self.error

        find = page = add = fail

    dao = FailingDao()
    app = make_app(
        dao, None, log_json=True, log_level="DEBUG", auth=token_issuer.auth_settings(tmp_path / "jwks.json")
    )
    client = app.test_client()
    for error in (RuntimeError("no secret"), Unavailable("away")):
        FailingDao.error = error
        for authorization in (f"Bearer {token}", f"Basic {token}", f"Bearer {token_issuer.token()}"):
            headers = {
                "Authorization": authorization,
                "Cookie": header,
                "X-Thing": header,
                "If-Match": header,
            }
            client.post(f"/news/?x={query}", json=sent(1) | {"title": body}, headers=headers)
            client.post("/news/", json=sent(1) | {"title": body}, headers=headers)
            client.post("/news/", data=body, headers=headers)
            client.get(f"/news/{path}", query_string={"q": query}, headers=headers)
            client.get("/news/", query_string={"source": query}, headers=headers)
            client.get("/news/", query_string={"cursor": query}, headers=headers)
            client.get(f"/{path}", headers={"traceparent": header, "X-Amzn-Trace-Id": header})
    output = capsys.readouterr().err
    assert len(parse_request_log(output)) == 42
    assert {line["status_class"] for line in parse_request_log(output)} == {"4xx", "5xx"}
    assert not [secret for secret in SECRETS if secret in output]
