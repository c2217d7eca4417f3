"""A model that `mlflow models serve` answers for, asked by many at once, some of them wrongly."""

import base64
import json
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from conftest import log_classifier
from tracking_server import model_server

from ctc import tracking
from ctc.params import PromoteParams
from ctc.prediction.served.requests import ALLOWED
from ctc.tracking.registry import register

pytestmark = pytest.mark.slow

CLIENTS, REQUESTS = 8, 200
EVERY = 10  # which request is broken
BATCH = (3, 4)  # how many pictures every fourth request has, else one


@dataclass(frozen=True)
class Request:
    """What is sent; `places` are of the pictures asked about, none where it is broken."""

    body: bytes
    places: tuple[int, ...] = ()
    content_type: str = "application/json"


@dataclass(frozen=True)
class Reply:
    status: int
    body: str
    seconds: float


def ask(server: str, request: Request) -> Reply:
    headers = {"Content-Type": request.content_type}
    asked = urllib.request.Request(f"{server}/invocations", request.body, headers)
    start = time.perf_counter()
    try:
        with urllib.request.urlopen(asked, timeout=120) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    return Reply(status, body.decode(), time.perf_counter() - start)


def inputs(*pictures: bytes | str, places: tuple[int, ...] = ()) -> Request:
    texts = [base64.b64encode(one).decode() if isinstance(one, bytes) else one for one in pictures]
    return Request(json.dumps({"inputs": texts}).encode(), places)


@pytest.fixture(scope="module")
def pictures(small_dataset) -> list[bytes]:
    return [record.images[0] for record in small_dataset.records(("train", "val", "test"))]


@pytest.fixture(scope="module")
def expected(small_trained, pictures) -> list[dict[str, dict]]:
    """What `predict` says of each picture, by label."""
    from ctc.prediction.asking.predicting import predict
    from ctc.prediction.photos.captures import PhotoCapture

    captures = [PhotoCapture(str(place), (one,)) for place, one in enumerate(pictures)]
    table = predict(small_trained.classifier, captures, 32).table()
    rows = table.to_dict("records")
    return [
        {row["label"]: row for row in rows if row["capture_id"] == str(place)}
        for place in range(len(pictures))
    ]


@pytest.fixture(scope="module")
def champion(module_store, small_classifier) -> str:
    with tracking.tracked_run("train", PromoteParams()) as run:
        uri = log_classifier(run, small_classifier, {}, step=0)
    register(uri, "species")
    mlflow.MlflowClient().set_registered_model_alias("species", "champion", "1")
    return "models:/species@champion"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pictures) -> Path:
    """A folder that the service may read: a picture, and a link to one outside."""
    above = tmp_path_factory.mktemp("served")
    (above / "open").mkdir()
    (above / "open" / "photo.jpg").write_bytes(pictures[0])
    (above / "secret.jpg").write_bytes(pictures[1])
    (above / "open" / "linked.jpg").symlink_to(above / "secret.jpg")
    return above / "open"


@pytest.fixture(scope="module")
def server(champion, folder, tmp_path_factory) -> Iterator[str]:
    logs = tmp_path_factory.mktemp("server")
    with model_server(logs, champion, **{ALLOWED: str(folder)}) as uri:
        yield uri


def check(reply: Reply, places: tuple[int, ...], expected: list[dict[str, dict]]) -> None:
    """What is said of these pictures is what `predict` says."""
    assert reply.status == 200, reply.body[:500]
    rows = json.loads(reply.body)["predictions"]
    wanted = [one for place in places for one in expected[place].values()]
    assert [row["label"] for row in rows] == [one["label"] for one in wanted]
    for row, one in zip(rows, wanted, strict=True):
        assert row["prediction"] == one["prediction"]
        assert row["accepted"] == one["accepted"]
        assert row["probabilities"] == pytest.approx(one["probabilities"], abs=1e-5)


def png(width: int, height: int) -> bytes:
    """A black picture of one bit a pixel, of few bytes however large it is."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    pack = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    pixels = b"".join(pack.compress(row) for _ in range(height)) + pack.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def broken_requests(pictures: list[bytes]) -> dict[str, tuple[Request, str]]:
    """Requests by what is wrong with them, each with a part of the sentence that says so."""
    good = pictures[0]
    huge = json.dumps({"inputs": ["A" * (100 * 2**20)]}).encode()
    return {
        "truncated": (inputs(good[: len(good) // 2]), "image file is truncated"),
        "zero bytes": (inputs(bytes(5000)), "nothing but zero bytes"),
        "not base64": (inputs("not base64!"), "a text that is not base64"),
        "html": (inputs(b"<!DOCTYPE html><html>404</html>"), "a web page"),
        "bomb": (inputs(png(20_000, 20_000)), "too many pixels"),
        "wide": (inputs(png(30_000, 8)), "found 30000 x 8 pixels; allowed: 50,000,000 in all"),
        "path": (inputs("../secret.jpg"), "no such file below the folders that are allowed"),
        "empty list": (inputs(), "found 0 pictures; allowed: 1 to 64"),
        "content type": (Request(inputs(good).body, (), "text/plain"), "supports the following"),
        "huge body": (Request(huge), "too many bytes; allowed: 32 MiB"),
    }


def test_200_requests_of_8_clients_a_tenth_of_them_broken(server, pictures, expected, capsys):
    broken = list(broken_requests(pictures).values())
    requests: list[tuple[Request, str]] = []
    for number in range(REQUESTS):
        if number % EVERY == 0:
            requests.append(broken[number // EVERY % len(broken)])
            continue
        count, every = BATCH
        places = tuple((number + i) % len(pictures) for i in range(count if number % every else 1))
        requests.append((inputs(*(pictures[i] for i in places), places=places), ""))
    with ThreadPoolExecutor(CLIENTS) as clients:
        replies = list(clients.map(lambda one: ask(server, one[0]), requests))
    for (request, sentence), reply in zip(requests, replies, strict=True):
        if request.places:
            check(reply, request.places, expected)
            continue
        assert 400 <= reply.status < 500, (sentence, reply)
        assert sentence in reply.body
        assert len(reply.body) < 1000
        assert "Traceback" not in reply.body
    check(ask(server, inputs(pictures[0])), (0,), expected)  # it lives on
    times = [r.seconds for (q, _), r in zip(requests, replies, strict=True) if q.places]
    p50, p99 = np.percentile(times, [50, 99])
    with capsys.disabled():
        print(f"\n{len(times)} good requests: p50 {1000 * p50:.0f} ms, p99 {1000 * p99:.0f} ms")


def test_the_service_says_what_evaluate_has_said(server, champion, small_dataset):
    from ctc.params import EvaluateParams
    from entrypoints import evaluate

    evaluate.run(EvaluateParams(classifier=champion, dataset=str(small_dataset.folder)))
    (found,) = mlflow.search_runs(filter_string="tags.step = 'evaluate'", output_format="list")
    said = pd.read_csv(
        mlflow.artifacts.download_artifacts(f"runs:/{found.info.run_id}/predictions.csv")
    )
    singles = [one for one in small_dataset.records(("test",)) if len(one.images) == 1]
    assert len(singles) > 5
    for one in singles:
        reply = ask(server, inputs(one.images[0]))
        served = {row["label"]: row for row in json.loads(reply.body)["predictions"]}
        rows = said[said["capture_id"].astype(str) == one.capture_id]
        assert set(rows["label"]) == set(served)
        for row in rows.to_dict("records"):
            assert row["prediction"] == served[row["label"]]["prediction"]
            shares = json.loads(row["probabilities"])
            assert served[row["label"]]["probabilities"] == pytest.approx(shares, abs=1e-5)


def test_a_broken_picture_among_good_ones_is_a_row_with_its_failure(server, pictures, expected):
    cut = pictures[1][: len(pictures[1]) // 2]
    reply = ask(server, inputs(pictures[0], cut, pictures[2]))
    assert reply.status == 200
    rows = json.loads(reply.body)["predictions"]
    failures = [row["failure"] for row in rows]
    assert failures[:2] + failures[4:] == [None] * 4
    assert failures[2:4] == ["cannot be decoded: image file is truncated"] * 2
    good = json.dumps({"predictions": rows[:2] + rows[4:]})
    check(Reply(200, good, 0), (0, 2), expected)


def test_files_below_an_allowed_folder_alone_are_read(server, folder, expected):
    for name in ("photo.jpg", str(folder / "photo.jpg")):
        check(ask(server, inputs(name)), (0,), expected)
    secret = folder.parent / "secret.jpg"
    for name in (str(secret), "linked.jpg", "../secret.jpg", secret.as_uri(), "none.jpg"):
        reply = ask(server, inputs(name))
        assert reply.status == 400
        assert "picture 1: found no such file below the folders that are allowed" in reply.body


def test_the_example_of_the_model_is_a_request(server, champion, tmp_path):
    path = mlflow.artifacts.download_artifacts(
        f"{champion}/serving_input_example.json", dst_path=str(tmp_path)
    )
    assert ask(server, Request(Path(path).read_bytes())).status == 200


def test_paths_are_refused_where_none_are_allowed(
    champion, tmp_path, folder, pictures, monkeypatch
):
    monkeypatch.delenv(ALLOWED, raising=False)
    request = {"inputs": [str(folder / "photo.jpg")]}
    (tmp_path / "request.json").write_text(json.dumps(request))
    # The scoring server without the server.
    words = ["models", "predict", "-m", champion, "--env-manager", "local", "-i", "request.json"]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("mlflow")), *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert f"paths are allowed below the folders that {ALLOWED} names" in done.stderr
