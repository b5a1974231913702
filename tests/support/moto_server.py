"""moto's DynamoDB as a process."""

import sys

import boto3
from botocore.config import Config

from support.environment import UNMEASURED
from tools.local.processes import free_port, wait_for_port


def start_moto(processes, log, *hosts):
    """Start moto's DynamoDB on a free port of 127.0.0.1 and of other hosts, and return the port.

    It has one thread, because conditional writes of moto are not atomic across threads.
    """
    port = free_port()
    binds = [f"--bind={host}:{port}" for host in ("127.0.0.1", *hosts)]
    app = "moto.moto_server.werkzeug_app:create_backend_app('dynamodb')"
    server = ["--worker-class=gthread", "--threads=1", "--timeout=0", "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", app, *binds, *server]
    wait_for_port(processes.start(command, UNMEASURED, log), port)
    # gunicorn listens before it has imported moto, and moto loads its models in the first requests.
    client = boto3.client(
        "dynamodb",
        "us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(read_timeout=60),
    )
    client.list_tables()
    return port
