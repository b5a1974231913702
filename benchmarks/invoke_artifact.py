"""Import a handler from a folder and invoke it, as Lambda does.

    python invoke_artifact.py FOLDER MODULE EVENT TIMES

Prints X-Cache, the resident memory in kB, and two CPU times in milliseconds: until the handler is imported,
and of the first call. It exits without interpreter teardown, which Lambda does not run either.
"""

import sys

sys.path.insert(0, sys.argv[1])

import importlib
import json
import os
import time

with open(sys.argv[3]) as file:  # noqa: PTH123  # pathlib would add to the imports of the function
    event = json.load(file)
handler = importlib.import_module(sys.argv[2]).handler
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # discard the log
started = time.process_time()
response = handler(event, None)
ended = time.process_time()
for _ in range(int(sys.argv[4]) - 1):
    response = handler(event, None)
body = response["body"]
if response.get("isBase64Encoded"):
    import base64
    import gzip

    body = gzip.decompress(base64.b64decode(body))
if response["statusCode"] != 200 or len(json.loads(body)["items"]) != 20:
    print(f"unexpected response: {response}")
    sys.exit(1)
with open("/proc/self/status") as status:  # noqa: PTH123
    resident = next(line.split()[1] for line in status if line.startswith("VmRSS"))
cpu = f"{started * 1000:.1f} {(ended - started) * 1000:.1f}"
os.write(1, f"{response['headers'].get('X-Cache')} {resident} {cpu}\n".encode())
os._exit(0)
