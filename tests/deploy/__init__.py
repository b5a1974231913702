"""`make check-deploy`: tests of template.yaml and serverless.yml on an AWS emulator, without an AWS account.

Reading order:
    sam_matches_serverless_test.py  both files deploy the same resources
    code_matches_template_test.py   the template fits the code: routes, scopes, settings, table, permissions
    aws_rules_test.py               rules of AWS that no linter knows
    stage_parameters_test.py        both tools read the parameters of a stage; what stops a deployment
    lint_test.py                    `sam validate` and cfn-lint
    sam_deployment_test.py, sls_deployment_test.py
                                    each tool on the AWS emulator, in the steps of deployment_tests.py
    existing_resources_sam_test.py, existing_resources_sls_test.py
                                    with existing resources: existing_resources_tests.py
    deploy_local_test.py            `make deploy-local`
    deployer_policy_test.py         docs/deployer-policy.json allows what both tools do
    stand_in_test.py                both tools with a cache in its network, on a stand-in for AWS
    stand_in_network_test.py        both tools with an outbound route, and in an existing network
    planted_faults_test.py          each fault of planted_faults.yaml is detected

    project.py                      a copy of the project, and its compiled templates
    sam_translate.py                SAM's transform, offline
    network_parameters.py           parameters of existing resources and of the outbound route
    reachability.py                 what the code of a function calls, and whether its network reaches it
    emulated_stack.py               a stack on the AWS emulator
    call_recorder.py                records the calls of a tool; deployer_calls.py lists them
    stand_in/                       the stand-in for AWS
"""

import pytest

pytest.register_assert_rewrite(
    "deploy.deployment_tests", "deploy.emulated_stack", "deploy.existing_resources_tests"
)
