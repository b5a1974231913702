"""A copy of the project, and the templates that SAM and sls make from it."""

import json
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

from support.environment import CLEAN, ROOT
from support.project_copy import copied
from tools.deploy.tables import set_policies
from tools.deploy.template import read_template
from tools.package.python import runtime_version
from tools.package.sources import list_modules
from tools.package.uv import uv

TOOLS = Path(f"{sys.prefix}-deploy") / "bin"
SLS = ROOT / "node_modules" / ".bin" / "sls"
REGION = "eu-central-1"
NAME = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
"""Name of the project: the prefix of every deployed resource name."""

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
    """A folder that contains the project."""

    def __init__(self, folder):
        self.folder = folder

    @classmethod
    def copy(cls, folder):
        """Copy the project without generated files; link the installed packages."""
        copied(folder, "tests")
        uv()  # installed before it is linked, because a copy cannot replace a link
        for name in LINKED:
            if (ROOT / name).exists():
                (folder / name).symlink_to(ROOT / name)
        return cls(folder)

    def run(self, *command, **env):
        """Run a command in the folder and return its output; a failure raises an AssertionError with it."""
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
        """Return the parsed template.yaml, with its short tags in long form."""
        return read_template(self.folder)

    def sam(self, template="template.yaml", **parameters):
        """Return the template after SAM's transform."""
        process = _translator()
        process.stdin.write(json.dumps([str(self.folder / template), parameters]) + "\n")
        process.stdin.flush()
        translated = json.loads(process.stdout.readline())
        if parameters.get("RetainTables") == "false":
            set_policies(translated)
        return translated

    def sls(self, *, build=True, **parameters):
        """Return the template from `sls package`; with `build=False`, for an empty artifact."""
        env = {}
        if not build:
            (self.folder / "build").mkdir(exist_ok=True)
            for module in list_modules(self.folder):
                (self.folder / "build" / f"{module}.zip").touch()
            env = {"MAKEFLAGS": "e", "PACKAGE": "true"}  # replaces the build command of the Makefile
        runtime = {"Runtime": f"python{runtime_version()}"} if build else {}
        self.run(SLS, "package", *sls_options(runtime | parameters), **env)
        return json.loads(
            (self.folder / ".serverless" / "cloudformation-template-update-stack.json").read_text()
        )


@cache
def _translator():
    """Start the translator process, which lives as long as this one."""
    command = [TOOLS / "python", Path(__file__).parent / "sam_translate.py"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def sls_options(parameters):
    """Return template parameters as options of sls."""
    options = []
    for name, value in parameters.items():
        options += (
            ["--stage", value] if name == "Stage" else ["--param", f"{name[0].lower()}{name[1:]}={value}"]
        )
    return options
