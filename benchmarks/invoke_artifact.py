"""What Lambda does, in an interpreter of its own: import a handler from a folder, and give it events.

    python invoke_artifact.py FOLDER MODULE EVENT TIMES

It ends without the interpreter's own teardown, which Lambda never sees either, and prints X-Cache, its
resident memory in kB, and the milliseconds of CPU until the handler was there and of the first call.
"""

import sys

sys.path.insert(0, sys.argv[1])

import importlib
import json
import os
import time

with open(sys.argv[3]) as file:  # noqa: PTH123  # without an import that the function may not make
    event = json.load(file)
handler = importlib.import_module(sys.argv[2]).handler
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the log's lines
started = time.process_time()
answer = handler(event, None)
answered = time.process_time()
for _ in range(int(sys.argv[4]) - 1):
    answer = handler(event, None)
if answer["statusCode"] != 200 or len(json.loads(answer["body"])["items"]) != 20:
    print(f"not what is to be measured: {answer}")
    sys.exit(1)
with open("/proc/self/status") as status:  # noqa: PTH123
    resident = next(line.split()[1] for line in status if line.startswith("VmRSS"))
cpu = f"{started * 1000:.1f} {(answered - started) * 1000:.1f}"
os.write(1, f"{answer['headers'].get('X-Cache')} {resident} {cpu}\n".encode())
os._exit(0)
