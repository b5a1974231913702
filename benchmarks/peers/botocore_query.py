"""botocore's client with the query of the first page. Its items are returned unchanged."""

import os

from botocore.session import Session

dynamodb = Session().create_client("dynamodb", region_name=os.environ["AWS_REGION"])


def handler(event, context):
    found = dynamodb.query(
        TableName=os.environ["NEWS_TABLE"],
        IndexName="by_feed",
        KeyConditionExpression="feed = :feed AND sort BETWEEN :low AND :high",
        ExpressionAttributeValues={":feed": {"S": "all#0"}, ":low": {"S": "0"}, ":high": {"S": ":"}},
        ScanIndexForward=False,
        Limit=21,
    )
    return found["Items"]
