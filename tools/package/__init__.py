"""`make package`: build the Lambda artifact of a module.

builder.py            the command: builds artifacts and prints their sizes
sources.py            the files of this project in an artifact
wheels.py             the locked packages in an artifact: installed, then trimmed
python.py             Lambda's Python on this machine, which compiles the artifact
uv.py                 uv in an environment of its own, the only tool that packaging needs
archive.py            the artifact as a reproducible folder and zip
serverless_plugin.js  `sls package` and `sls deploy` use these artifacts
"""
