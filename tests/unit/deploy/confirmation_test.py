"""make deploy asks before prod is deployed."""

import os
import pty
from pathlib import Path

import pytest

from support.deploy_harness import REGION, calls, overrides, refusal
from tools.deploy import run


def test_prod_is_deployed_only_after_a_confirmation(project, monkeypatch):
    monkeypatch.setenv("STAGE", "prod")
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert refusal(project) == "deploy: nobody can confirm the stage prod here: set CONFIRM=prod"
    monkeypatch.setenv("CONFIRM", "prod")
    run.main(["sam"], project)
    assert calls(project)[0] == f"prod {REGION} {REGION} sam build {overrides('prod')}"


@pytest.mark.parametrize(("answer", "is_deployed"), [("prod", True), ("yes", False)])
def test_the_confirmation_is_the_name_of_the_stage(project, monkeypatch, answer, is_deployed):
    monkeypatch.setenv("STAGE", "prod")
    terminal, side = pty.openpty()
    os.write(terminal, f"{answer}\n".encode())
    with os.fdopen(side) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        if is_deployed:
            run.main(["sam"], project)
        else:
            assert refusal(project) == "deploy: not confirmed, nothing was deployed"
    os.close(terminal)
