"""The OpenAPI document of the project, openapi.json.

In reading order:

- `generator.py`: `make openapi`, which writes the document from routes and types.
- `operations.py`: what the document says about routes beyond the code, shared by all modules.
- `operations_<module>.py`: the same for the routes of one module.
- `responses.py`: the responses of an operation, with the errors of API Gateway.
- `compatibility.py`: breaking changes since the released document, docs/openapi-released.json.
- `schema_compatibility.py`: breaking changes of one JSON schema.
"""
