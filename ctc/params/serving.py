"""Parameters of the command `server`, which is no step: it is where steps keep their runs."""

from dataclasses import dataclass
from typing import Annotated

from ctc.parameter import Between


@dataclass(frozen=True)
class ServerParams:
    """Run a tracking server, and an S3 server behind it, for this machine alone."""

    folder: Annotated[str, "Folder for everything that the server keeps."] = "server"
    port: Annotated[
        int,
        "Port of the tracking server; 0: the one of last time, at first 5000 or a free one.",
        Between(0, 65535),
    ] = 0
    database: Annotated[
        str | None,
        "Where runs and versions are kept: postgresql://USER@HOST/NAME, or none: an SQLite file in "
        "`folder`; auto: what MLFLOW_BACKEND_STORE_URI says, which may hold a password, else none.",
    ] = "auto"
    auth: Annotated[bool, "Ask for a name and a password."] = False
