"""Settings that are references: `secretsmanager:news/dev/redis-url` and `ssm:/news/dev/redis-url`.

A reference is resolved once, when the settings are read. A changed value reaches new processes only.
"""

from typing import cast

PREFIXES = ("secretsmanager:", "ssm:/")

TIMEOUT_SECONDS = 2
"""Timeout to connect, and of each response. Lambda's initialization may take 10 s."""


def is_reference(text: str) -> bool:
    """Return True if the value of a variable is a reference."""
    return text.startswith(PREFIXES)


def resolve(reference: str, region: str) -> str:
    """Return the value of a parameter of Systems Manager, decrypted, or of a secret.

    Raises:
        ValueError: the value cannot be read, is empty, or is not text.
    """
    from botocore.config import Config  # noqa: PLC0415  # imports the AWS SDK, which only a reference needs
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    from botocore.session import Session  # noqa: PLC0415

    service, _, name = reference.partition(":")
    retries = {"mode": "standard", "total_max_attempts": 2}
    config = Config(connect_timeout=TIMEOUT_SECONDS, read_timeout=TIMEOUT_SECONDS, retries=retries)
    try:
        client = Session().create_client(service, region_name=region, config=config)
        if service == "ssm":
            value = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        else:
            value = client.get_secret_value(SecretId=name).get("SecretString")
    except (BotoCoreError, ClientError) as error:
        raise ValueError(f"cannot read {reference}: {str(error).splitlines()[0]}") from error
    if not value:
        raise ValueError(f"{reference} has no text")
    return cast("str", value)
