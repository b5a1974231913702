"""botocore's client with the query of the first page, as PynamoDB sends it. Its items are returned unchanged.

The request is the same to the byte, so that the time of the server does not count as a difference.
"""

import os

from botocore.session import Session

dynamodb = Session().create_client("dynamodb", region_name=os.environ["AWS_REGION"])


def handler(event, context):
    found = dynamodb.query(
        TableName=os.environ["NEWS_TABLE"],
        KeyConditionExpression="(#0 = :0 AND #1 BETWEEN :1 AND :2)",
        IndexName="by_feed",
        Limit=21,
        ScanIndexForward=False,
        ExpressionAttributeNames={"#0": "feed", "#1": "sort"},
        ExpressionAttributeValues={":0": {"S": "all#0"}, ":1": {"S": "0"}, ":2": {"S": ":"}},
        ReturnConsumedCapacity="TOTAL",
    )
    return found["Items"]
