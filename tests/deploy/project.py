"""The project, or a copy of it, and what both tools make of it."""

import json
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import yaml

from support.environment import CLEAN, ROOT
from support.project_copy import copied
from tools.package.sources import modules
from tools.package.uv import uv

TOOLS = Path(f"{sys.prefix}-deploy") / "bin"
CHECKOV = Path(f"{sys.prefix}-checkov") / "bin" / "checkov"
SLS = ROOT / "node_modules" / ".bin" / "sls"
REGION = "eu-central-1"
NAME = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
"""The project's, with which the names of what is deployed begin."""

LINKED = (".venv-package", "node_modules")
ENVIRONMENT = CLEAN | {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "NODE_NO_WARNINGS": "1",
    "NO_COLOR": "1",
    "PATH": f"{TOOLS}:{CLEAN['PATH']}",
    "SAM_CLI_TELEMETRY": "0",
    "SLS_TELEMETRY_DISABLED": "1",
}


class Project:
    """A folder with the project in it."""

    def __init__(self, folder):
        self.folder = folder

    @classmethod
    def copy(cls, folder):
        """The project as it is, without what is made."""
        copied(folder, "tests")
        uv()  # a copy can't renew what it has a link to
        for name in LINKED:
            if (ROOT / name).exists():
                (folder / name).symlink_to(ROOT / name)
        return cls(folder)

    def run(self, *command, **env):
        """Run a command in the folder and return what it printed; where it fails, that is the error."""
        done = subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            env=ENVIRONMENT | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def template(self):
        """The template as it is written, its short tags spelled out."""
        return yaml.load((self.folder / "template.yaml").read_text(), Loader)  # a SafeLoader

    def sam(self, template="template.yaml", **parameters):
        """What AWS's transform makes of the template."""
        process = _translator()
        process.stdin.write(json.dumps([str(self.folder / template), parameters]) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    def sls(self, *, build=True, **parameters):
        """What `sls package` makes of serverless.yml; without `build`, of an empty artefact."""
        env = {}
        if not build:
            (self.folder / "build").mkdir(exist_ok=True)
            for module in modules(self.folder):
                (self.folder / "build" / f"{module}.zip").touch()
            env = {"MAKEFLAGS": "e", "PACKAGE": "true"}  # what builds, in the Makefile, is `true` then
        self.run(SLS, "package", *sls_options(parameters), **env)
        return json.loads(
            (self.folder / ".serverless" / "cloudformation-template-update-stack.json").read_text()
        )


@cache
def _translator():
    """A process that translates until this one ends."""
    command = [TOOLS / "python", Path(__file__).parent / "sam_translate.py"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def sls_options(parameters):
    """Parameters of the template as sls takes them."""
    options = []
    for name, value in parameters.items():
        options += (
            ["--stage", value] if name == "Stage" else ["--param", f"{name[0].lower()}{name[1:]}={value}"]
        )
    return options


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags."""


def _long_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        value = value.split(".", 1) if suffix == "GetAtt" else value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _long_form)
