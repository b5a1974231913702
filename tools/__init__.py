"""Developer commands; never deployed.

local/            `make run` and the commands that use it: tokens, tables, import, Lambda's runtime, profiler
openapi/          generates the OpenAPI document and checks its compatibility
package/          builds the artifacts of the functions
deploy/           checks a deployment and runs sam or sls
deploy_local/     deploys to an AWS emulator on this machine
smoke/            checks a deployed API
versions/         rollback, and deletion of old function versions
scaffold/         creates a module and renames the project
audit.py          runs pip-audit on everything that is served
cost_estimate.py  estimates the monthly cost
"""
