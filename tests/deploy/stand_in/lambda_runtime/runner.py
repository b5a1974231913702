"""A minimal Lambda runtime: reads one event per line, and prints the response of `_HANDLER` as one line."""

import importlib
import json
import os
import sys

sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
module, _, name = os.environ["_HANDLER"].rpartition(".")
handler = getattr(importlib.import_module(module), name)


class Context:
    """The context object of an invocation."""

    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]


for line in sys.stdin:
    print(json.dumps(handler(json.loads(line), Context())), flush=True)
