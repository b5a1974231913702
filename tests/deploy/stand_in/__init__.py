"""A stand-in for AWS: moto with additions, from ../shared/lab/aws.

It supports what the emulator of `make deploy-local` does not: the cache in its network, composite alarms
and CodeDeploy. Without ../shared, its tests are skipped.

Reading order:
    aws.py                  starts it; the stacks that are deployed to it
    deployed_api.py         requests to a deployed API
    api_gateway.py          API Gateway, which invokes the deployed function
    lambda_environment.py, lambda_runtime/
                            what surrounds the function: Python, host names, credentials, the cache
    elasticache.py          ElastiCache: TLS and IAM in front of Valkey
    resource_connections.py checks that deployed resources are connected
    deployed_network.py     routes and security groups of a deployed function
    moto_server.py, moto_base.py, moto_lambda.py, moto_network.py, moto_parameters.py, moto_updates.py
                            moto with additions, a process of its own
"""

import pytest

pytest.register_assert_rewrite("deploy.stand_in.deployed_api")
