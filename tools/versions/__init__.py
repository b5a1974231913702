"""Published versions of the deployed functions: `make rollback` and `make prune`.

They use the AWS account and region of the environment, as `aws` does.

In reading order:

- `functions.py`: the functions of a stage, with their versions and aliases.
- `rollback.py`: points the alias `live` to the previous version.
- `prune.py`: deletes versions that no alias needs.
"""
