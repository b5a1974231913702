"""What the proofs of the deployment have in common: a copy of the project, and what both tools make of it."""

import pytest

from deploy.project import Project


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A copy of the project, so that nothing is made in the real one."""
    return Project.copy(tmp_path_factory.mktemp("project") / "news")
