"""Versions of functions: what an update publishes, and what it keeps."""

import json
import re
from collections.abc import Iterator

from deploy.network_parameters import IPV6, REDIS, SUBNETS, TABLE
from deploy.sam_matches_serverless_test import NON_DEFAULT
from tools.deploy.template import ResolvedTemplate, name_of

MAX_DESCRIPTION = 256
"""https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html"""

MAX_TABLE, MAX_CACHE = 79, 47
"""Longest names, of a project with 23 characters, a stage with 16 and a module with 20:
`<project>-<stage>-<Module>Table-<12 characters>`, and `<project>-<stage>-<6 characters>`."""


def kept_versions(template) -> Iterator[str]:
    """Yield versions and aliases that an update deletes, so that no rollback is possible."""
    for name, each in ResolvedTemplate(template).resources.items():
        is_kind = each["Type"] in {"AWS::Lambda::Version", "AWS::Lambda::Alias"}
        if is_kind and each.get("UpdateReplacePolicy") != "Retain":
            yield f"{name}: an update deletes the previous one"


def descriptions(template) -> Iterator[str]:
    """Yield parameters and resources whose change would publish no version, and too long descriptions.

    Lambda publishes a version only if something in it changed. CloudFormation creates one only if a property
    of the version changed: the description is the only one that can contain a value.
    """
    for base in ({}, SUBNETS | REDIS | TABLE):
        default = _functions(template, **base)
        for name, value in (*NON_DEFAULT.items(), *IPV6.items()):
            for function, (properties, description) in _functions(template, **base | {name: value}).items():
                if properties != default[function][0] and description == default[function][1]:
                    yield f"{function}: a change of {name} publishes no version"
    for function, (properties, description) in _functions(template).items():
        environment = json.dumps(properties["Environment"])
        for resource in sorted(set(re.findall(r"\$\{(\w+Table|ResponseCache)\b", environment))):
            if f"${{{resource}" not in description:
                yield f"{function}: a replaced {resource} publishes no version"
    yield from _long_descriptions(template)


def _functions(template, **parameters):
    """Return the versioned properties and the version's description of each function."""
    resolved = ResolvedTemplate(template, **parameters)
    functions = resolved.of_type("Lambda::Function")
    unversioned = ("Description", "ReservedConcurrentExecutions", "Tags")
    return {
        name_of(version["FunctionName"]): (
            {k: v for k, v in functions[name_of(version["FunctionName"])].items() if k not in unversioned},
            version["Description"],
        )
        for version in resolved.of_type("Lambda::Version").values()
    }


def _long_descriptions(template):
    longest = {
        "Stage": "s" * 16,
        "LogLevel": "CRITICAL",
        "FeedShards": "64",
        "CacheShards": "16",
        "RateLimitPerMinute": "1000000",
        "AuthScopePrefix": "p" * 32,
    }
    for name, size in (("Stage", 15), ("AuthScopePrefix", 32)):
        if not template["Parameters"][name]["AllowedPattern"].endswith(f"{{0,{size}}}"):
            yield f"{name} may have another length than the {size} that this check assumes"
    for path in ("", "b" * template["Parameters"]["BasePath"]["MaxLength"]):  # the description differs
        functions = _functions(
            template, **longest, BasePath=path, Architecture="x86_64", Docs="false", SnapStart="false"
        )
        for function, (_, description) in functions.items():
            text = re.sub(r"\$\{\w+Table\}", "t" * MAX_TABLE, description)
            text = re.sub(r"\$\{ResponseCache\.[\w.]+\}", "c" * MAX_CACHE, text)
            if len(text) > MAX_DESCRIPTION:
                length = f"{len(text)} characters, more than {MAX_DESCRIPTION}"
                yield f"{function}: its description can have {length}"
