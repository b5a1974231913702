"""Proof that both deployment files do what they say, on a stand-in for AWS: `make check-deploy`."""

import pytest

pytest.register_assert_rewrite("deploy.deployed_api")
