"""Every file that names Lambda's runtime names the default of tools/package/python.py."""

import re

import pytest
import yaml

from support.environment import ROOT
from tools.package.python import RUNTIMES

DEFAULT = re.escape(RUNTIMES[0])


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("template.yaml", rf"  Runtime:\n    Type: String\n    Default: python{DEFAULT}\n"),
        ("serverless.yml", r"\n  runtime: \$\{param:runtime\}\n"),
        (".ci/run", rf"RUNTIME_PYTHON=\$\(\$install {DEFAULT} "),
        ("docs/packaging.md", rf"The default runtime is python{DEFAULT}: "),
        ("docs/deployment.md", rf"\| `Runtime` \| .* \| `python{DEFAULT}` \|"),
        ("docs/before-you-deploy.md", rf"CPython {DEFAULT}, Lambda's version"),
    ],
)
def test_a_file_names_the_default_runtime(file, pattern):
    assert len(re.findall(pattern, (ROOT / file).read_text())) == 1


def test_the_template_allows_the_runtimes_that_the_build_supports():
    [allowed] = re.findall(r"AllowedValues: (\[python3.*\])", (ROOT / "template.yaml").read_text())
    assert sorted(yaml.safe_load(allowed)) == sorted(f"python{version}" for version in RUNTIMES)


def test_the_deployment_is_checked_with_the_default_runtime():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    [setup] = [step for step in jobs["check-deploy"]["steps"] if "setup-python" in step.get("uses", "")]
    assert setup["with"]["python-version"] == RUNTIMES[0]
