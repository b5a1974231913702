"""SAM's own translation of a template, offline: `translate.py template.yaml Name=Value ... > out.json`.

Runs in the environment of the tools.
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

template = yaml_parse(Path(sys.argv[1]).read_text())
parameters = {
    name: each["Default"] for name, each in template.get("Parameters", {}).items() if "Default" in each
}
parameters |= dict(each.split("=", 1) for each in sys.argv[2:])
for each in template["Resources"].values():
    if "CodeUri" in each.get("Properties", {}):  # the translator takes none that is not uploaded
        each["Properties"]["CodeUri"] = "s3://bucket/key"
loader = ManagedPolicyLoader(None)
loader._policy_map = get_bundled_managed_policy_map("aws")
translated = transform(template, parameters, loader)
translated.pop("Transform", None)
json.dump(translated, sys.stdout, default=str)
