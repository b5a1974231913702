"""A copy of the project to change, as a stranger has it: its files, and the environment of this one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.environment import CLEAN, ROOT, UNMEASURED

MADE = (
    ".git",
    ".venv*",
    ".local*",
    ".*_cache",
    ".aws-sam",
    ".coverage*",
    ".hypothesis",
    ".schemathesis",
    ".serverless",
    "__pycache__",
    "build",
    "node_modules",
)
WITHOUT_COVERAGE = UNMEASURED | {
    name: value for name, value in CLEAN.items() if not name.startswith("COVERAGE_")
}


def copied(folder, *left_out, **options):
    """The project in another folder, as a clone has it; and without what is left out."""
    return shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*MADE, *left_out), **options)


class Copy:
    """The folder, and commands in it; coverage doesn't know its files."""

    def __init__(self, folder):
        self.folder = copied(folder)
        environment = Path(sys.prefix)
        (folder / ".venv").symlink_to(environment)
        if (ROOT / "node_modules").exists():
            (folder / "node_modules").symlink_to(ROOT / "node_modules")

    def run(self, *command, **env):
        """A command's exit code, and all that it printed."""
        done = subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            env=WITHOUT_COVERAGE
            | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{CLEAN['PATH']}"}
            | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def python(self, *arguments, **env):
        return self.run(sys.executable, "-m", *arguments, **env)

    def commit(self):
        """Make the folder a git repository with everything committed."""
        for command in (
            "init",
            "add --all",
            "-c user.name=test -c user.email=test@localhost commit --message x",
        ):
            code, output = self.run("git", *command.split())
            assert code == 0, output

    def files(self):
        """Every file and what is in it."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
            and not {
                ".git",
                ".hypothesis",
                ".schemathesis",
                "__pycache__",
                ".venv",
                "node_modules",
            }.intersection(path.parts)
            and not any(part.endswith("_cache") for part in path.parts)
        }
