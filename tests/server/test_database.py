"""A real PostgreSQL is asked before the server starts."""

import pytest
from click.testing import CliRunner
from postgres_server import PASSWORD, postgres_server

from ctc.server.database import VARIABLE, database_of
from entrypoints.server import main


@pytest.fixture(scope="module")
def postgres():
    with postgres_server() as running:
        yield running


def test_a_database_that_answers_is_named_with_its_driver(postgres, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, postgres.uri)
    assert database_of(tmp_path, "auto") == postgres.uri.replace("://", "+psycopg2://")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)  # where no command line shows it
    address = postgres.address.replace("+psycopg2", "")
    assert database_of(tmp_path, address) == postgres.address


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        (PASSWORD, "wr0ng-w0rd", 'password authentication failed for user "runs"'),
        ("/postgres", "/nowhere", 'database "nowhere" does not exist'),
        ("runs:", "nobody:", 'password authentication failed for user "nobody"'),
    ],
)
def test_what_a_database_refuses_is_one_sentence(
    postgres, tmp_path, monkeypatch, right, wrong, why
):
    monkeypatch.setenv(VARIABLE, postgres.uri.replace(right, wrong))
    told = CliRunner().invoke(main, [f"--folder={tmp_path}/s"])
    assert (told.exit_code, told.output.count("\n")) == (2, 1)
    assert "Error: database 'postgresql://" in told.output
    assert why in told.output
    assert PASSWORD not in told.output
    assert "wr0ng-w0rd" not in told.output
