"""The policy of docs/server.md, given to a user of the S3 server: enough, and no more."""

import re
import time
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
from s3_server import s3_server, user_with

ROOT = Path(__file__).parent.parent.parent
(POLICY,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "server.md").read_text(), re.DOTALL)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3"), "-s3.iam.readOnly=false") as running:
        yield running


@pytest.fixture(scope="module")
def key(server):
    """The key of a user with the policy; the owner has put something elsewhere."""
    owner = client(server, (server.access_key, server.secret_key))
    owner.create_bucket(Bucket="other")
    for bucket in ("other", server.bucket):
        owner.put_object(Bucket=bucket, Key="datasets/x", Body=b"x")
    made = user_with(server, POLICY)
    end = time.monotonic() + 20
    while not allowed(lambda: client(server, made).head_object(Bucket="mlflow", Key="artifacts/")):
        assert time.monotonic() < end  # it takes a moment until the policy is known
        time.sleep(0.1)
    return made


def client(server, key):
    return boto3.Session(*key).client("s3", endpoint_url=server.endpoint_url)


def allowed(ask) -> bool:
    """Tell whether a request is not denied; what it asks for may be missing."""
    try:
        ask()
    except ClientError as error:
        return error.response["Error"]["Code"] in ("404", "NoSuchKey")
    return True


def test_it_lets_the_server_do_all_that_it_does_with_artifacts(server, key, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key[1])
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(20 * 2**20))  # goes in several parts
    store = S3ArtifactRepository(f"s3://{server.bucket}/artifacts/0/run/artifacts")
    store.log_artifact(str(large), "folder")
    assert [one.path for one in store.list_artifacts("folder")] == ["folder/large.bin"]
    (tmp_path / "got").mkdir()
    got = store.download_artifacts("folder/large.bin", str(tmp_path / "got"))
    assert Path(got).read_bytes() == large.read_bytes()
    store.delete_artifacts()
    assert store.list_artifacts("folder") == []  # SeaweedFS may keep the empty folder for a while


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("put_object", {"Key": "datasets/y", "Body": b"y"}),
        ("get_object", {"Key": "datasets/x"}),
        ("delete_object", {"Key": "datasets/x"}),
        ("list_objects_v2", {}),
        ("list_objects_v2", {"Prefix": "datasets/"}),
        ("get_object", {"Bucket": "other", "Key": "datasets/x"}),
        ("put_object", {"Bucket": "other", "Key": "artifacts/x", "Body": b"x"}),
        ("create_bucket", {"Bucket": "third"}),
        ("delete_bucket", {"Bucket": "other"}),
        ("put_bucket_policy", {"Policy": POLICY}),
    ],
)
def test_it_lets_nobody_who_has_the_key_do_more(server, key, request_, words):
    ask = getattr(client(server, key), request_)
    assert not allowed(lambda: ask(**{"Bucket": server.bucket, **words}))
