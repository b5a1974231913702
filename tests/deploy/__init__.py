"""`make check-deploy`: tests of template.yaml and serverless.yml on an AWS emulator, without an AWS account.

Reading order:
    sam_matches_serverless_test.py  both files deploy the same resources
    code_matches_template_test.py   the template fits the code: routes, scopes, settings, table, permissions
    aws_rules_test.py               rules of AWS that no linter knows
    stage_parameters_test.py        both tools read the parameters of a stage; what stops a deployment
    lint_test.py                    `sam validate` and cfn-lint
    sam_deployment_test.py, sls_deployment_test.py
                                    each tool on the AWS emulator, in the steps of deployment_tests.py
    deploy_local_test.py            `make deploy-local`
    deployer_policy_test.py         docs/deployer-policy.json allows what both tools do
    stand_in_test.py                both tools with a cache in its network, on a stand-in for AWS
    planted_faults_test.py          each fault of planted_faults.yaml is detected

    project.py                      a copy of the project, and its compiled templates
    sam_translate.py                SAM's transform, offline
    emulated_stack.py               a stack on the AWS emulator
    call_recorder.py                records the calls of a tool; deployer_calls.py lists them
    stand_in/                       the stand-in for AWS
"""

import pytest

pytest.register_assert_rewrite("deploy.deployment_tests", "deploy.emulated_stack")
