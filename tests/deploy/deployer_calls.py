"""The calls of the deployment tools, by IAM action, as recorded on the AWS emulator.

A deployment test fails when a tool makes a call that is not listed here. Add it here and, if it needs a
permission, to docs/deployer-policy.json.
"""

from tools.deploy_local.deployers import Sam, Sls

VERSION_CALLS = {
    "dynamodb:DescribeTable",
    "lambda:DeleteFunction",
    "lambda:GetFunctionConfiguration",
    "lambda:ListAliases",
    "lambda:ListVersionsByFunction",
    "lambda:UpdateAlias",
}
"""Calls of tools/deploy and tools/versions."""

CALLS = {
    Sam: {
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteStack",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:GetTemplate",
        "cloudformation:GetTemplateSummary",
        "cloudformation:ListStackResources",
        *VERSION_CALLS,
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    },
    Sls: {
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteChangeSet",
        "cloudformation:DeleteStack",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStackResource",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:ListStackResources",
        "cloudformation:ValidateTemplate",
        "ecr:DescribeRepositories",
        "lambda:GetFunction",
        *VERSION_CALLS,
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "sts:GetCallerIdentity",
    },
}

NOT_NEEDED = {
    "acm-pca:*": "the certificate is a public one",
    "dynamodb:*Replica": "the table has no replicas",
    "dynamodb:*Item": "CloudFormation reads and writes items for replicas and imports only",
    "dynamodb:*KinesisStreamingDestination": "the table has no stream to Kinesis",
    "dynamodb:ImportTable": "the table is not imported",
    "dynamodb:Query": "see dynamodb:*Item",
    "dynamodb:Scan": "see dynamodb:*Item",
    "dynamodb:*ResourcePolicy": "the table has no policy of its own",
    "ec2:*AddressTransfer": "the address of the NAT gateway is not transferred",
    "ec2:*IpamPool*": "addresses do not come from a pool of IPAM",
    "ec2:*NatGatewayAddress": "the NAT gateway has one address",
    "ec2:*VpnGateway": "the gateway of the VPC is an internet gateway",
    "ec2:AssociateAddress": "the address belongs to the NAT gateway, not to an instance",
    "ec2:CreateVpcEncryptionControl": "the VPC has no encryption control",
    "ec2:ModifyVpcTenancy": "the VPC has no dedicated tenancy",
    "elasticfilesystem:*": "functions mount no file system",
    "firehose:*": "logs are not sent to Firehose",
    "iam:*PermissionsBoundary": "roles have no permissions boundary",
    "kinesis:*": "the table is not imported",
    "kms:*": "the keys are managed by AWS: their own policies allow the account's users",
    "s3files:*": "functions mount no file system",
    "s3tables:*": "buckets have no metadata tables",
    "sts:GetCallerIdentity": "needs no permission",
    "vpc-lattice:*": "the endpoint is that of DynamoDB",
    "vpce:*": "the endpoint is in the VPC's region",
}
"""Permissions that CloudFormation's schemas list, but that these resources do not need, with the reasons."""

OTHER_ACTIONS = {
    "logs:DeleteLogDelivery": "access logs of the API",
    "logs:GetLogDelivery": "access logs of the API",
    "logs:ListLogDeliveries": "access logs of the API",
    "logs:UpdateLogDelivery": "access logs of the API",
}
"""Permissions that neither the schemas nor the calls show, with what needs them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
"""
