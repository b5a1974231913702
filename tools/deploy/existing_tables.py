"""Existing tables (NewsTableName): whether they have the keys and indexes of the table that they replace."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tools.deploy import DeployError
from tools.deploy.template import read_template


def check_existing_tables(parameters: Mapping[str, str], region: str, root: Path) -> None:
    """Stop a deployment with a table that does not exist, or that the service could not read.

    A deployer without the right to describe a table cannot check it, and the deployment continues.

    Raises:
        DeployError: with the first reason.
    """
    resources = read_template(root)["Resources"]
    for name, table in parameters.items():
        expected = resources.get(name.removesuffix("Name"), {}).get("Properties", {})
        if table and name.endswith("TableName") and (found := _describe(name, table, region)):
            for missing in _missing(expected, found):
                raise DeployError(f"{name}: the table {table} has no {missing}")


def _describe(name: str, table: str, region: str) -> dict[str, Any] | None:
    """Return a table as DynamoDB describes it; None without the right to read that.

    Raises:
        DeployError: there is no such table.
    """
    client = boto3.client("dynamodb", region_name=region)
    try:
        found: dict[str, Any] = client.describe_table(TableName=table)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise DeployError(f"{name}: there is no table {table} in {region}") from None
        if "AccessDenied" in error.response["Error"]["Code"]:
            return None
        raise
    return found


def _missing(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys and indexes of the expected table that another table lacks."""
    if _keys(expected) != _keys(found):
        yield f"partition key {expected['KeySchema'][0]['AttributeName']} alone"
    indexes = {each["IndexName"]: _keys(each) for each in found.get("GlobalSecondaryIndexes", [])}
    for index in expected["GlobalSecondaryIndexes"]:
        if indexes.get(index["IndexName"]) != _keys(index):
            keys = ", ".join(name for name, _ in _keys(index))
            yield f"index {index['IndexName']} with the keys {keys}"


def _keys(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the keys of a table or an index, the partition key first: names, and HASH or RANGE."""
    return [(each["AttributeName"], each["KeyType"]) for each in schema["KeySchema"]]
