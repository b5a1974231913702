"""`make deploy-sam`, `make deploy-sls` and `make remove`: check what a deployment would change, then deploy.

In reading order:

- `template.py`: template.yaml, and what it creates with given parameters.
- `parameters.py`: the parameters of a stage, from template.yaml, `stages/<stage>.yaml` and the command.
- `stack.py`: the deployed stack, its parameters and versions.
- `parameter_checks.py`, `existing_tables.py`, `checks.py`: reasons to stop, in the parameters, in existing
  tables, and in what would change.
- `tables.py`: tables that are deleted with their stack.
- `run.py`: the command.
- `remove.py`: deletes a stack.
- `sls_parameters.js`, `sls_checks.js`: the same for a plain `sls deploy`.
"""


class DeployError(Exception):
    """A deployment must not start; the message is one line for a person."""
