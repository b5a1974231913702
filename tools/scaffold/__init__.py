"""`make module` and `make rename-project`.

In reading order:

- `new_module.py`: `make module`.
- `names.py`: the rules and forms of a module's name.
- `deploy_files.py`: the module's part of template.yaml and serverless.yml.
- `project_files.py`: the module's part of pyproject.toml and compose.yaml.
- `rename_project.py`: `make rename-project`.
- `file_edits.py`: edits to files, which git can undo.
- `templates/`: the files of a new module; `table/` with a table of its own, `plain/` without.
"""
