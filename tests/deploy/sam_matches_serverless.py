"""Compare the CloudFormation templates that SAM and sls produce.

Resources are compared under names that do not depend on the tool.
"""

import re

from tools.deploy.template import ResolvedTemplate

FUNCTION = r"function [\w.]+"
ALLOWED = {
    r"ServerlessDeploymentBucket(Policy)?: sls only": "sls uploads to a bucket in the stack, SAM to its own",
    r".*\.DependsOn: sls only": "sls adds DependsOn to resources that already have a reference",
    rf"{FUNCTION}\.Properties\.FunctionName: sls only": "sls names a function, SAM lets CloudFormation do it",
    rf"{FUNCTION}\.Metadata: SAM only": "the build method of SAM; the sls plugin calls make itself",
    rf"{FUNCTION}\.Properties\.Code\.S3(Bucket|Key): .*": "each tool uploads to its own location",
    rf"{FUNCTION}\.Properties\.Tags: SAM only": "SAM tags the functions it creates",
    rf"version of {FUNCTION}\.Properties\.CodeSha256: sls only": "sls makes Lambda verify the uploaded code",
    r"output (ServerlessDeploymentBucketName|HttpApi(Id|Url)|\w+QualifiedArn): sls only": (
        "other sls commands read these outputs"
    ),
}
"""Patterns of accepted differences, each with its reason."""


def differences(sam, sls, **parameters):
    """Return the differences between two templates, each as `path: difference`.

    Args:
        sam: the template from SAM, whose parameters get their values here.
        sls: the template from sls, which already contains the values.
        parameters: parameter values for SAM's template.
    """
    ours, theirs = ResolvedTemplate(sam, **parameters), ResolvedTemplate(sls)
    return sorted(
        [
            *_compare("parameter", _declared_parameters(sam), _declared_parameters(sls)),
            *_compare("rule", sam.get("Rules", {}), sls.get("Rules", {})),
            *_compare("", _with_common_names(ours), _with_common_names(theirs)),
        ]
    )


def unexpected(found):
    """Return the differences that no pattern of ALLOWED accepts."""
    return [each for each in found if not any(re.fullmatch(allowed, each) for allowed in ALLOWED)]


def unused_exceptions(found):
    """Return the patterns of ALLOWED that match no difference."""
    return [allowed for allowed in ALLOWED if not any(re.fullmatch(allowed, each) for each in found)]


COMMON_NAMES = {
    "AWS::Lambda::Function": lambda p: f"function {p['Handler']}",
    "AWS::Lambda::Version": lambda p: f"version of {p['FunctionName']}",
    "AWS::Lambda::Alias": lambda p: f"alias of {p['FunctionName']}",
    "AWS::Lambda::Permission": lambda p: f"permission on {p['FunctionName']}",
    "AWS::ApiGatewayV2::Integration": lambda p: f"integration of {p['IntegrationUri']}",
    "AWS::ApiGatewayV2::Route": lambda p: f"route {p['RouteKey']}",
}
"""Resource types that SAM and sls name differently, each with a function from properties to a common name.

The order matters: a name assigned by one entry appears in the properties that later entries read.
"""


def _declared_parameters(template):
    """Return the parameters without defaults: sls writes the given values there."""
    return {
        name: {key: value for key, value in each.items() if key != "Default"}
        for name, each in template["Parameters"].items()
    }


def _with_common_names(resolved):
    """Return resources and outputs by names that do not depend on the tool."""
    everything = resolved.resources | {f"output {name}": each for name, each in resolved.outputs.items()}
    for kind, name_of in COMMON_NAMES.items():
        names = {
            old: name_of(each["Properties"]) for old, each in everything.items() if each.get("Type") == kind
        }
        names = {old: re.sub(r"\$\{([^}]*)\}", r"\1", new) for old, new in names.items()}
        references = {f"${{{old}{end}": f"${{{new}{end}" for old, new in names.items() for end in (".", "}")}
        if kind == "AWS::Lambda::Alias":  # Ref of an alias returns its ARN
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


def _compare(path, ours, theirs):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in ours.keys() | theirs.keys():
            where = f"{path}.{name}".lstrip(".")
            if name not in theirs:
                yield f"{where}: SAM only"
            elif name not in ours:
                yield f"{where}: sls only"
            else:
                yield from _compare(where, ours[name], theirs[name])
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _compare(f"{path}[{number}]", one, other)
    elif isinstance(ours, (dict, list)) or isinstance(theirs, (dict, list)) or str(ours) != str(theirs):
        yield f"{path}: {ours!r} in SAM, {theirs!r} in sls"
