"""What differs between two deployments of the same thing, apart from the names that the tools give."""

import re

from deploy.resolve_template import ResolvedTemplate

FUNCTION = r"function [\w.]+"
ALLOWED = {
    r"ServerlessDeploymentBucket(Policy)?: sls only": "sls uploads to one in the stack, SAM to its own",
    r".*\.DependsOn: sls only": "sls says beside each reference that it is one",
    rf"{FUNCTION}\.Properties\.FunctionName: sls only": "sls names a function, SAM lets CloudFormation do it",
    rf"{FUNCTION}\.Metadata\.BuildMethod: SAM only": "how SAM builds it; sls is told by its plugin",
    rf"{FUNCTION}\.Properties\.Code\.S3(Bucket|Key): .*": "each tool uploads for itself",
    rf"{FUNCTION}\.Properties\.Tags: SAM only": "SAM tags what it makes",
    rf"version of {FUNCTION}\.Properties\.CodeSha256: sls only": "sls has Lambda check what was uploaded",
    r"output (ServerlessDeploymentBucketName|HttpApi(Id|Url)|\w+QualifiedArn): sls only": (
        "sls's own commands read these"
    ),
}
"""Differences that don't matter, each with its reason."""


def differences(sam, sls, **parameters):
    """What is in one template only, or not the same in both: `where: what`.

    Only SAM hands parameters to CloudFormation; sls writes them into its template, so it was made with them.
    """
    ours, theirs = ResolvedTemplate(sam, **parameters), ResolvedTemplate(sls)
    return sorted(
        [
            *_compare("parameter", _declared(sam), _declared(sls)),
            *_compare("", _named(ours), _named(theirs)),
        ]
    )


def unexplained(found):
    """Differences for which ALLOWED has no reason."""
    return [each for each in found if not any(re.fullmatch(allowed, each) for allowed in ALLOWED)]


def unused(found):
    """Reasons for differences that there aren't."""
    return [allowed for allowed in ALLOWED if not any(re.fullmatch(allowed, each) for each in found)]


NAMES = {
    "AWS::Lambda::Function": lambda p: f"function {p['Handler']}",
    "AWS::Lambda::Version": lambda p: f"version of {p['FunctionName']}",
    "AWS::Lambda::Alias": lambda p: f"alias of {p['FunctionName']}",
    "AWS::Lambda::Permission": lambda p: f"permission on {p['FunctionName']}",
    "AWS::ApiGatewayV2::Integration": lambda p: f"integration of {p['IntegrationUri']}",
    "AWS::ApiGatewayV2::Route": lambda p: f"route {p['RouteKey']}",
}
"""Resources that the tools name differently, and what they are called here, from their properties. The order
counts: what is named first is named so in the properties of the next."""


def _declared(template):
    """The parameters without their defaults, which are where sls writes what it was given."""
    return {
        name: {key: value for key, value in each.items() if key != "Default"}
        for name, each in template["Parameters"].items()
    }


def _named(resolved):
    """Resources and outputs, under names that don't depend on the tool."""
    everything = resolved.resources | {f"output {name}": each for name, each in resolved.outputs.items()}
    for kind, name_of in NAMES.items():
        names = {
            old: name_of(each["Properties"]) for old, each in everything.items() if each.get("Type") == kind
        }
        names = {old: re.sub(r"\$\{([^}]*)\}", r"\1", new) for old, new in names.items()}
        references = {f"${{{old}{end}": f"${{{new}{end}" for old, new in names.items() for end in (".", "}")}
        if kind == "AWS::Lambda::Alias":  # an alias's Ref is its ARN
            references = {
                f"${{{old}}}": f"{p['FunctionName'].replace('}', '.Arn}')}:{p['Name']}"
                for old in names
                for p in [everything[old]["Properties"]]
            }
        everything = {names.get(name, name): _replaced(each, references) for name, each in everything.items()}
    return everything


def _replaced(value, references):
    if isinstance(value, dict):
        return {name: _replaced(each, references) for name, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, references) for each in value]
    for old, new in references.items():
        value = value.replace(old, new) if isinstance(value, str) else value
    return value


def _compare(place, ours, theirs):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in ours.keys() | theirs.keys():
            where = f"{place}.{name}".lstrip(".")
            if name not in theirs:
                yield f"{where}: SAM only"
            elif name not in ours:
                yield f"{where}: sls only"
            else:
                yield from _compare(where, ours[name], theirs[name])
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _compare(f"{place}[{number}]", one, other)
    elif isinstance(ours, (dict, list)) or isinstance(theirs, (dict, list)) or str(ours) != str(theirs):
        yield f"{place}: {ours!r} in SAM, {theirs!r} in sls"
