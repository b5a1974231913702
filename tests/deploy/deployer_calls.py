"""The calls of the deployment tools, as recorded on the AWS emulator, by IAM action.

When a new version of a tool makes a new call, a deployment test fails: add the call here, and to
docs/deployer-policy.json.
"""

from tools.deploy_local.deployers import Sam, Sls

CALLS = {
    Sam: {},
    Sls: {},
}
