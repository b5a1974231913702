"""`make check-deploy`: tests of template.yaml and serverless.yml on an AWS emulator, without an AWS account.

Reading order:
    sam_matches_serverless_test.py  both files deploy the same resources
    code_matches_template_test.py   the template fits the code: routes, scopes, settings, table, permissions
    aws_rules_test.py               rules of AWS that no linter knows
    stage_parameters_test.py        both tools read the parameters of a stage; what stops a deployment
    lint_test.py                    `sam validate` and cfn-lint
    deploy_test.py                  `sls deploy` and `sam deploy` on the emulator; the deployed API works
    planted_faults_test.py          each fault of planted_faults.yaml is detected

    project.py                      a copy of the project, and its compiled templates
    sam_translate.py                SAM's transform, offline
    resolve_template.py             parameters and conditions of a template, resolved
    resource_connections.py         checks that deployed resources are connected
    deployed_api.py                 requests to a deployed API
    aws_emulator.py                 starts the emulator; deployed stacks
    api_gateway.py                  API Gateway and the Lambda function behind it
    moto_server.py, moto_cloudformation.py, elasticache_emulator.py, lambda_runtime/
                                    the emulator: moto with additions
"""

import pytest

pytest.register_assert_rewrite("deploy.deployed_api")
