"""Parameters of existing resources, the outbound route and the domain, alone and together."""

SUBNETS = {"SubnetIds": "subnet-0a1,subnet-0b2", "SecurityGroupIds": "sg-0c1,sg-0d2"}
NO_CACHE = {"Cache": "false"}
PUBLIC_REDIS = NO_CACHE | {"RedisUrl": "rediss://cache.example.com:6379"}
REDIS = PUBLIC_REDIS | {"RedisIamUser": "writer", "RedisIamCache": "shared"}
SECRET = NO_CACHE | {"RedisUrlSecret": "news/dev/redis-url"}
PARAMETER = NO_CACHE | {"RedisUrlParameter": "/news/dev/redis-url"}
RATE_LIMIT = {"RateLimitPerMinute": "60"}
TABLE = {"NewsTableName": "news-old-NewsTable-X"}
IPV6, NAT = {"Egress": "ipv6"}, {"Egress": "nat"}
DOMAIN = {"DomainName": "api.example.com", "HostedZoneId": "Z0123456789ABCDEFGHIJ"}
CERTIFICATE = {"CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/0f1e2d3c"}
DNS_ELSEWHERE = {"DomainName": DOMAIN["DomainName"]} | CERTIFICATE

BYPASS = {"Cache": "bypass"}
VALID = (
    SUBNETS,
    SUBNETS | BYPASS,
    SUBNETS | NO_CACHE,
    SUBNETS | PUBLIC_REDIS,
    SUBNETS | REDIS,
    SUBNETS | REDIS | TABLE,
    PUBLIC_REDIS,
    PUBLIC_REDIS | TABLE,
    SECRET,
    SUBNETS | SECRET,
    PARAMETER,
    TABLE,
    TABLE | NAT,
    TABLE | NO_CACHE,
    IPV6,
    IPV6 | BYPASS,
    NAT,
    NAT | BYPASS | TABLE,
    DOMAIN,
    DOMAIN | CERTIFICATE,
    DNS_ELSEWHERE | {"BasePath": "shop/v1", "DisableExecuteApiEndpoint": "true"},
    RATE_LIMIT,
    RATE_LIMIT | BYPASS,
    RATE_LIMIT | PUBLIC_REDIS,
    RATE_LIMIT | SECRET,
    RATE_LIMIT | PARAMETER,
)
"""Combinations that no rule rejects."""

INVALID = {
    "Set both SubnetIds and SecurityGroupIds, or none": (
        {"SubnetIds": SUBNETS["SubnetIds"]},
        {"SecurityGroupIds": SUBNETS["SecurityGroupIds"]},
    ),
    "Remove AvailabilityZoneA and AvailabilityZoneB, because SubnetIds have zones of their own": (
        SUBNETS | {"AvailabilityZoneA": "eu-central-1a", "AvailabilityZoneB": "eu-central-1b"},
    ),
    "Set Cache to false with RedisUrl, because a function uses one cache": (
        PUBLIC_REDIS | {"Cache": "true"},
        PUBLIC_REDIS | {"Cache": "bypass"},
        SECRET | {"Cache": "true"},
        PARAMETER | {"Cache": "bypass"},
    ),
    "Set one of RedisUrl, RedisUrlSecret and RedisUrlParameter": (
        SECRET | PARAMETER,
        PUBLIC_REDIS | SECRET,
        PUBLIC_REDIS | PARAMETER,
    ),
    "Set both RedisIamUser and RedisIamCache, or none": (
        SUBNETS | PUBLIC_REDIS | {"RedisIamUser": "writer"},
        SUBNETS | PUBLIC_REDIS | {"RedisIamCache": "shared"},
    ),
    "Set RedisUrl with RedisIamUser and RedisIamCache": (SUBNETS | REDIS | {"RedisUrl": ""},),
    "Set SubnetIds with RedisIamUser, because ElastiCache is reachable in its VPC only": (REDIS,),
    "Set RateLimitPerMinute to 0 without a cache, because the cache counts the requests": (
        RATE_LIMIT | NO_CACHE,
    ),
    "Set Egress to none with SubnetIds, because their route tables are not of this stack": (
        SUBNETS | IPV6,
        SUBNETS | NAT,
    ),
    "Set Egress to none with Cache=false, because functions outside of a VPC reach the internet": (
        NO_CACHE | IPV6,
        NO_CACHE | NAT,
    ),
    "Set both BudgetLimit and BudgetEmail, or none": (
        {"BudgetLimit": "250"},
        {"BudgetEmail": "finance@example.com"},
    ),
    "Set DomainName with HostedZoneId": ({"HostedZoneId": DOMAIN["HostedZoneId"]},),
    "Set DomainName with CertificateArn": (CERTIFICATE,),
    "Set DomainName with BasePath": ({"BasePath": "v1"},),
    "Set DomainName with DisableExecuteApiEndpoint, because the API needs an address": (
        {"DisableExecuteApiEndpoint": "true"},
    ),
    "Set HostedZoneId or CertificateArn with DomainName, because the zone validates a certificate": (
        {"DomainName": DOMAIN["DomainName"]},
    ),
}
"""Combinations that stop a deployment, by the one line that it prints."""
