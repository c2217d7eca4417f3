"""A real S3 server for the tests: SeaweedFS, on this machine only, open to one key."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from made_up_server import started

from ctc.server.credentials import Credentials
from ctc.server.planning import environment_of_servers
from ctc.server.ports import LOOPBACK, Ports, free_ports
from ctc.server.seaweedfs import BUCKET, s3_part


@dataclass(frozen=True)
class S3Server:
    """How to reach a running server, and the bucket it holds."""

    endpoint_url: str
    access_key: str
    secret_key: str
    bucket: str


@contextmanager
def s3_server(folder: Path, *options: str) -> Iterator[S3Server]:
    """Run a server that keeps its data below `folder` until the block ends.

    Args:
        folder: see above.
        options: what `weed` is told besides.

    Raises:
        BadInput: there is no server to run.
        CannotGoOn: it did not start.
    """
    key = Credentials("a-test-key", "a-test-secret", "", "")
    ports = Ports(0, *free_ports(5))
    part = s3_part(folder, ports, key, environment_of_servers())
    with started(replace(part, command=(*part.command, *options))):
        url = f"http://{LOOPBACK}:{ports.s3}"
        yield S3Server(url, key.access_key, key.secret_key, BUCKET)


def user_with(server: S3Server, policy: str) -> tuple[str, str]:
    """Make a user with a policy of IAM's; return the name and the secret of its key.

    The server has to be told `-s3.iam.readOnly=false`.
    """
    import boto3

    iam = boto3.Session(server.access_key, server.secret_key).client(
        "iam", endpoint_url=server.endpoint_url, region_name="us-east-1"
    )
    iam.create_user(UserName="limited")
    key = iam.create_access_key(UserName="limited")["AccessKey"]
    iam.put_user_policy(UserName="limited", PolicyName="policy", PolicyDocument=policy)
    return key["AccessKeyId"], key["SecretAccessKey"]
