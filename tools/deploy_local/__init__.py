"""`make deploy-local`: the whole stack on an AWS emulator on this machine, without an account or Docker.

In reading order:

- `run.py`: deploys, prints the address of the API, and waits for Ctrl-C.
- `emulator.py`: starts MiniStack, and gives the variables that make tools use it.
- `omissions.py`: what the emulator does not support, with the reasons.
- `project_copy.py`: the copy of the project that is deployed.
- `deployers.py`: the commands of SAM and of the Serverless Framework.
- `issuer.py`: a Cognito user pool that issues access tokens.
"""
