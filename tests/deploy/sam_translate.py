"""Translate SAM templates offline with SAM's own transform.

Reads one JSON line `[file, parameters]` per template from stdin and prints one line with the result. It runs
in `.venv-deploy` until stdin closes, because starting takes longer than translating.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")

from samtranslator.internal.managed_policies import get_bundled_managed_policy_map
from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


def translated(file, given):
    """Return a template after SAM's transform."""
    template = yaml_parse(Path(file).read_text())
    defaults = {name: each["Default"] for name, each in template["Parameters"].items() if "Default" in each}
    for each in template["Resources"].values():
        if "CodeUri" in each.get("Properties", {}):  # the translator accepts only uploaded code
            each["Properties"]["CodeUri"] = "s3://bucket/key"
    loader = ManagedPolicyLoader(None)
    loader._policy_map = get_bundled_managed_policy_map("aws")
    made = transform(template, {"Stage": "dev"} | defaults | given, loader)
    made.pop("Transform", None)
    return made


for line in sys.stdin:
    print(json.dumps(translated(*json.loads(line)), default=str), flush=True)
