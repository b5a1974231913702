"""The moto server of ../shared/lab/aws, which the other files of this folder extend."""

import importlib.util
import os
import sys

FAKE_AWS, PORT = sys.argv[1:3]
ACCOUNT = os.environ["MOTO_ACCOUNT_ID"]

sys.argv[1:] = [PORT]
spec = importlib.util.spec_from_file_location("fake_aws", FAKE_AWS)
fake_aws = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fake_aws)
call, extra = fake_aws.call, fake_aws.extra
