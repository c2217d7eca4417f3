import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from botocore.exceptions import IncompleteReadError, ResponseStreamingError

from ctc import storage
from ctc.errors import BadInput
from ctc.server.ports import free_ports
from ctc.storage import s3, s3_client


@pytest.fixture(params=["path", "file_uri", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        return str(request.getfixturevalue("bucket"))
    folder = tmp_path / "a store"
    return folder.as_uri() if request.param == "file_uri" else str(folder)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for name in ("a.bin", "b/c.bin", "b-d.bin", "manifest.json"):
        storage.write_bytes(str(folder / name), name.encode())
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def entries(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


# --- names ---


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        (("/a", "b", "c"), "/a/b/c"),
        (("a/", "b"), "a/b"),
        (("a", ""), "a"),
        (("/a", "b", "/c"), "/c"),
        (("/a", "s3://x/y"), "s3://x/y"),
        (("/a", "s3://x/y", "z"), "s3://x/y/z"),
        (("s3://x", "y z", "q?#"), "s3://x/y z/q?#"),
        (("s3://x/", "y"), "s3://x/y"),
        (("s3://x/y", ""), "s3://x/y"),
        (("s3://x/y", "/c"), "/c"),
        (("file:///a%20b", "c%20d"), "/a b/c%20d"),
    ],
)
def test_join_puts_parts_below_and_lets_an_absolute_part_win(parts, joined):
    assert storage.join(*parts) == joined


@pytest.mark.parametrize(
    ("uri", "parent", "name"),
    [
        ("/a/b", "/a", "b"),
        ("a/b/", "a", "b"),
        ("file:///a/b%20c", "/a", "b c"),
        ("s3://x/y/z", "s3://x/y", "z"),
        ("s3://x/y/z/", "s3://x/y", "z"),
        ("s3://x/y", "s3://x", "y"),
        ("s3://x", "s3://x", ""),
    ],
)
def test_parent_and_name_split_a_uri(uri, parent, name):
    assert (storage.parent(uri), storage.name(uri)) == (parent, name)


def test_only_s3_uris_are_on_s3():
    assert storage.is_s3("s3://x/y")
    assert not any(storage.is_s3(uri) for uri in ("/s3", "s3", "file:///s3://x", "gs://x"))


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("gs://x/y", "cannot be read"),
        ("https://x/y", "cannot be read"),
        ("file://elsewhere/x", "on another machine"),
        ("s3://", "names no bucket"),
        ("s3:///x", "names no bucket"),
    ],
)
def test_a_uri_that_cannot_be_used_is_refused(uri, reason):
    with pytest.raises(BadInput, match=f"'{uri}' (is )?{reason}"):
        storage.exists(uri)


# --- files ---


@pytest.mark.parametrize("data", [b"", b"first", bytes(range(256)) * 1000])
def test_what_is_written_is_read(root, data):
    uri = storage.join(root, "folder", "a file?#.bin")
    storage.write_bytes(uri, b"something longer that was there before")
    storage.write_bytes(uri, data)
    assert storage.read_bytes(uri) == data


def test_a_file_is_put_and_fetched(root, tmp_path):
    data = os.urandom(20 * 2**20)  # several parts of a multipart upload
    (tmp_path / "in.bin").write_bytes(data)
    uri = storage.join(root, "below", "x.bin")
    storage.put_file(tmp_path / "in.bin", uri)
    storage.fetch_file(uri, tmp_path / "new folder" / "out.bin")
    assert content(tmp_path / "new folder") == {"out.bin": data}
    assert list(storage.list_files(root)) == ["below/x.bin"]


def test_exists_knows_files_folders_and_neither(root):
    storage.write_bytes(storage.join(root, "folder", "a.txt"), b"a")
    storage.write_bytes(storage.join(root, "folder-2.txt"), b"a")
    existing = [storage.join(root, name) for name in ("folder", "folder/a.txt", "folder-2.txt")]
    assert [storage.exists(uri) for uri in [root, *existing]] == [True] * 4
    assert [storage.is_folder(uri) for uri in [root, *existing]] == [True, True, False, False]
    missing = [storage.join(root, name) for name in ("fold", "folder/a", "folder-2", "x/y")]
    assert not any(storage.exists(uri) or storage.is_folder(uri) for uri in missing)


def test_an_empty_bucket_is_a_folder(s3_store):
    s3_client.client().create_bucket(Bucket="empty")
    assert storage.exists("s3://empty")
    assert storage.is_folder("s3://empty/")
    assert list(storage.list_files("s3://empty")) == []


def test_a_bucket_is_no_file(bucket):
    with pytest.raises(BadInput, match="is a bucket"):
        storage.read_bytes(storage.parent(bucket))


def test_files_are_listed_in_order_without_hidden_ones(root):
    shown = ["B.txt", "a-b.txt", "a.txt", "a/b.txt", "a/c/d.txt", "ä.txt"]
    for name in [*reversed(shown), ".hidden", "a/.hidden", ".git/config", "a/.x/y"]:
        storage.write_bytes(storage.join(root, name), b"x")
    assert list(storage.list_files(root)) == shown
    assert list(storage.list_files(storage.join(root, "a"))) == ["b.txt", "c/d.txt"]


def test_more_files_are_listed_than_one_answer_of_the_store_holds(bucket, monkeypatch):
    for number in range(5):
        storage.write_bytes(f"{bucket}/{number}", b"x")
    client = s3_client.client()
    whole = client.get_paginator

    def in_twos(operation):
        paginator = whole(operation)
        monkeypatch.setattr(
            paginator,
            "paginate",
            lambda **given: type(paginator).paginate(
                paginator, **given, PaginationConfig={"PageSize": 2}
            ),
        )
        return paginator

    monkeypatch.setattr(client, "get_paginator", in_twos)
    assert list(storage.list_files(bucket)) == ["0", "1", "2", "3", "4"]


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path):
    storage.write_bytes(str(tmp_path / "elsewhere" / "x.jpg"), b"x")
    storage.write_bytes(str(tmp_path / "images" / "a.jpg"), b"a")
    (tmp_path / "images" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "images" / "circle").symlink_to(tmp_path / "images")
    assert list(storage.list_files(str(tmp_path / "images"))) == ["a.jpg", "link/x.jpg"]


def test_a_missing_file_is_said_to_be_missing(root, tmp_path):
    storage.write_bytes(storage.join(root, "there"), b"x")
    uri = storage.join(root, "missing.txt")
    with pytest.raises(FileNotFoundError, match=r"a store/missing\.txt|s3://.*/missing\.txt"):
        storage.read_bytes(uri)
    with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
        storage.fetch_file(uri, tmp_path / "out" / "x")
    with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
        list(storage.list_files(uri))
    assert content(tmp_path / "out") == {}


def test_an_empty_folder_has_no_files(tmp_path):
    assert list(storage.list_files(str(tmp_path))) == []


def test_a_file_is_no_folder_to_list(root):
    storage.write_bytes(root, b"x")
    # Locally a folder below that cannot be read ends the listing in the same way.
    with pytest.raises(NotADirectoryError if not storage.is_s3(root) else FileNotFoundError):
        list(storage.list_files(root))


def test_an_answer_that_breaks_off_is_asked_for_again(bucket, monkeypatch):
    storage.write_bytes(bucket, b"x")
    failures = [
        IncompleteReadError(actual_bytes=0, expected_bytes=1),
        ResponseStreamingError(error="reset"),
    ]

    def break_off(bucket, key, read_once=s3._read_once):
        if failures:
            raise failures.pop()
        return read_once(bucket, key)

    monkeypatch.setattr(s3, "_read_once", break_off)
    assert storage.read_bytes(bucket) == b"x"
    assert not failures


def test_a_missing_source_is_not_put(root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.bin"):
        storage.put_file(tmp_path / "nothing.bin", storage.join(root, "x"))
    assert not storage.exists(storage.join(root, "x"))


def test_an_exception_leaves_the_old_file_and_nothing_beside(tmp_path):
    path = tmp_path / "weights.keras"
    path.write_bytes(b"old")

    def fail_half_way():
        with storage.atomic_file(path) as partial:
            partial.write_bytes(b"half")
            assert path.read_bytes() == b"old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()
    assert content(tmp_path) == {"weights.keras": b"old"}


def test_an_atomic_file_appears_at_the_end_under_an_ending_it_keeps(tmp_path):
    path = tmp_path / "new" / "weights.keras"
    with storage.atomic_file(path) as partial:
        assert (partial.parent, partial.suffix) == (path.parent, ".keras")
        partial.write_bytes(b"new")
        assert not path.exists()
        assert list(storage.list_files(str(tmp_path))) == []
    assert content(path.parent) == {"weights.keras": b"new"}


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    synced = []

    def fsync(number, fsync=os.fsync):
        synced.append((os.fstat(number).st_ino, (tmp_path / "x").exists()))
        fsync(number)

    monkeypatch.setattr(os, "fsync", fsync)
    storage.write_bytes(str(tmp_path / "x"), b"x")
    assert synced == [((tmp_path / "x").stat().st_ino, False)]


def test_sha256_is_that_of_the_content(tmp_path):
    data = os.urandom(3_000_000)
    (tmp_path / "x").write_bytes(data)
    assert storage.sha256(tmp_path / "x") == hashlib.sha256(data).hexdigest()


# --- folders ---


def test_a_folder_is_put_whole_and_stale_files_go(root, source):
    uri = storage.join(root, "model")
    for name in ("stale.bin", "b/stale.bin", ".stale", "a.bin"):
        storage.write_bytes(storage.join(uri, name), b"old")
    storage.write_bytes(storage.join(root, "model-2", "x"), b"of another")
    storage.put_folder(source, uri, "manifest.json")
    names = ["a.bin", "b-d.bin", "b/c.bin", "manifest.json"]
    assert list(storage.list_files(uri)) == names
    assert [storage.read_bytes(storage.join(uri, name)) for name in names] == [
        name.encode() for name in names
    ]
    assert not storage.exists(storage.join(uri, ".stale"))
    assert list(storage.list_files(root)) == [*["model-2/x"], *[f"model/{name}" for name in names]]


def test_a_local_folder_is_put_with_nothing_left_beside(tmp_path, source):
    storage.write_bytes(str(tmp_path / "store" / "model.partial" / "x"), b"of a copy cut off")
    storage.put_folder(source, str(tmp_path / "store" / "model"), "manifest.json")
    assert entries(tmp_path / "store") == ["model"]
    assert content(tmp_path / "store" / "model") == content(source)


def test_the_manifest_goes_up_after_all_others(bucket, source, monkeypatch):
    uploaded = []

    def upload(path, uri, upload=s3.upload):
        upload(path, uri)
        uploaded.append(storage.name(uri))

    monkeypatch.setattr(s3, "upload", upload)
    # By name it is the first, so that only the rule makes it the last.
    storage.write_bytes(str(source / "0-manifest"), b"m")
    storage.put_folder(source, bucket, "0-manifest")
    assert uploaded[-1] == "0-manifest"
    assert len(uploaded) == 5


def test_a_folder_has_files_that_the_store_copies_from_elsewhere(bucket, source):
    stale, unfinished = f"{bucket}/set/stale.bin", f"{bucket}/set/.work/e.bin"
    for uri in (stale, unfinished):
        storage.write_bytes(uri, b"put before")
    storage.put_folder(source, f"{bucket}/set", "manifest.json", {"e.bin": unfinished})
    assert set(s3.keys_below(f"{bucket}/set")) == {*content(source), "e.bin"}
    assert storage.read_bytes(f"{bucket}/set/e.bin") == b"put before"


def test_a_new_file_is_put_once(bucket, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).write_text(name)
    assert storage.put_new_file(tmp_path / "first", f"{bucket}/a")
    assert not storage.put_new_file(tmp_path / "second", f"{bucket}/a")
    assert storage.read_bytes(f"{bucket}/a") == b"first"
    with pytest.raises(BadInput, match="has no bucket for"):
        storage.put_new_file(tmp_path / "first", "s3://there-is-none/a")


def test_a_folder_with_an_unreadable_file_gets_no_manifest(root, source):
    uri = storage.join(root, "model")
    (source / "z.bin").symlink_to(source / "nowhere")
    with pytest.raises(FileNotFoundError):
        storage.put_folder(source, uri, "manifest.json")
    assert not storage.exists(storage.join(uri, "manifest.json"))


def test_a_failed_put_leaves_the_former_local_folder(tmp_path, source):
    target = tmp_path / "store" / "model"
    storage.write_bytes(str(target / "manifest.json"), b"old")
    (source / "z.bin").symlink_to(source / "nowhere")
    with pytest.raises(FileNotFoundError):
        storage.put_folder(source, str(target), "manifest.json")
    assert entries(tmp_path / "store") == ["model"]
    assert content(target) == {"manifest.json": b"old"}


def test_a_folder_without_its_manifest_is_not_put(root, source):
    with pytest.raises(FileNotFoundError, match=r"other\.json"):
        storage.put_folder(source, storage.join(root, "model"), "other.json")
    assert not storage.exists(storage.join(root, "model"))


def is_whole(path: Path, name: str) -> bool:
    return path.read_bytes() == name.encode()


def test_a_folder_is_fetched_but_not_what_is_there(root, source, tmp_path):
    storage.put_folder(source, storage.join(root, "model"), "manifest.json")
    target = tmp_path / "target"
    storage.write_bytes(str(target / "a.bin"), b"a.bin")
    storage.write_bytes(str(target / "b-d.bin"), b"cut")
    before = (target / "a.bin").stat().st_ino
    names = (name for name in ("a.bin", "b-d.bin", "b/c.bin"))
    storage.fetch_folder(storage.join(root, "model"), target, names, is_whole)
    assert content(target) == {name: name.encode() for name in ("a.bin", "b-d.bin", "b/c.bin")}
    assert (target / "a.bin").stat().st_ino == before


def test_a_damaged_file_is_not_fetched(root, tmp_path):
    storage.write_bytes(storage.join(root, "a.bin"), b"damaged")
    target = tmp_path / "target"
    with pytest.raises(BadInput, match=r"a\.bin was damaged on the way or in store"):
        storage.fetch_folder(root, target, ["a.bin"], is_whole)
    assert content(target) == {}


def test_a_file_that_is_missing_in_the_store_is_not_fetched(root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.bin"):
        storage.fetch_folder(root, tmp_path / "target", ["a.bin"], is_whole)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "", "."])
def test_a_name_that_leads_out_of_the_folder_is_refused(root, tmp_path, name):
    with pytest.raises(BadInput, match="leads out"):
        storage.fetch_folder(root, tmp_path / "target", [name], is_whole)


def test_files_are_fetched_at_the_same_time(root, source, tmp_path):
    storage.put_folder(source, storage.join(root, "model"), "manifest.json")
    both = threading.Barrier(2)

    def verify(path, name):
        both.wait(timeout=10)  # each waits until the other has been fetched too
        return is_whole(path, name)

    names = ["a.bin", "b/c.bin"]
    storage.fetch_folder(storage.join(root, "model"), tmp_path / "target", names, verify)
    assert sorted(content(tmp_path / "target")) == names


def test_replace_folder_swaps_by_rename(tmp_path):
    new, target = tmp_path / "new", tmp_path / "target"
    storage.write_bytes(str(new / "x"), b"new")
    storage.write_bytes(str(target / "y"), b"old")
    storage.replace_folder(new, target)
    assert entries(tmp_path) == ["target"]
    assert content(target) == {"x": b"new"}


def test_replace_folder_makes_what_was_not_there(tmp_path):
    storage.write_bytes(str(tmp_path / "new" / "x"), b"new")
    storage.replace_folder(tmp_path / "new", tmp_path / "deep" / "target")
    assert content(tmp_path) == {"deep/target/x": b"new"}


def test_replace_folder_puts_the_former_one_back(tmp_path):
    storage.write_bytes(str(tmp_path / "target" / "y"), b"old")
    with pytest.raises(FileNotFoundError):
        storage.replace_folder(tmp_path / "no such folder", tmp_path / "target")
    assert content(tmp_path) == {"target/y": b"old"}


def test_replace_folder_replaces_a_link_and_not_what_it_leads_to(tmp_path):
    storage.write_bytes(str(tmp_path / "new" / "x"), b"new")
    storage.write_bytes(str(tmp_path / "data" / "y"), b"old")
    (tmp_path / "target").symlink_to(tmp_path / "data")
    storage.replace_folder(tmp_path / "new", tmp_path / "target")
    assert content(tmp_path) == {"target/x": b"new", "data/y": b"old"}


def test_a_file_is_not_replaced_by_a_folder(tmp_path, source):
    target = tmp_path / "target"
    target.write_bytes(b"a file")
    with pytest.raises(BadInput, match="is not a folder"):
        storage.replace_folder(source, target)
    (source / "unreadable").symlink_to(source / "nowhere")  # it is refused before a file is read
    with pytest.raises(BadInput, match="is not a folder"):
        storage.put_folder(source, str(target), "manifest.json")
    assert target.read_bytes() == b"a file"
    assert len(content(source)) == 4


# --- a store that cannot be used ---


def every_access(uri: str, folder: Path):
    (folder / "file").write_bytes(b"x")
    return [
        lambda: storage.exists(uri),
        lambda: storage.is_folder(uri),
        lambda: list(storage.list_files(uri)),
        lambda: storage.read_bytes(uri),
        lambda: storage.write_bytes(uri, b"x"),
        lambda: storage.fetch_file(uri, folder / "x"),
        lambda: storage.put_file(folder / "file", uri),
        lambda: storage.fetch_folder(uri, folder, ["y"], is_whole),
    ]


def test_missing_credentials_are_named(bucket, tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for access in every_access(bucket, tmp_path):
        with pytest.raises(BadInput, match=f"credentials for {bucket}.*set AWS_ACCESS_KEY_ID and"):
            access()


def test_half_of_the_credentials_are_too_few(bucket, monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(BadInput, match=r"no credentials.*AWS_SECRET_ACCESS_KEY"):
        storage.read_bytes(bucket)


def test_a_missing_profile_is_named(bucket, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(BadInput, match="AWS_PROFILE"):
        storage.read_bytes(bucket)


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_credentials_are_refused(bucket, monkeypatch, variable):
    monkeypatch.setenv(variable, "wrong")
    with pytest.raises(BadInput, match=f"refused the credentials for {bucket}.*AWS_ACCESS_KEY_ID"):
        storage.read_bytes(bucket)


def test_a_missing_bucket_is_named(s3_store, tmp_path):
    uri = "s3://no-such-bucket/some/file"
    sentence = f"{s3_store.endpoint_url} has no bucket for {uri}"
    for access in every_access(uri, tmp_path):
        with pytest.raises(BadInput, match=sentence):
            access()


def test_an_endpoint_that_does_not_answer_is_named(bucket, monkeypatch):
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", url)
    monkeypatch.setattr(s3_client, "RETRIES", 1)
    with pytest.raises(BadInput, match=f"at {url} .* for {bucket}.*set MLFLOW_S3_ENDPOINT_URL"):
        storage.read_bytes(bucket)


@pytest.mark.parametrize(
    "variable", ["MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
)
def test_an_endpoint_that_is_no_url_is_named(bucket, monkeypatch, variable):
    monkeypatch.delenv("MLFLOW_S3_ENDPOINT_URL")
    monkeypatch.setenv(variable, "localhost:9000")
    with pytest.raises(BadInput, match=f"{variable} is 'localhost:9000'"):
        storage.read_bytes(bucket)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_the_endpoint_may_stand_in_the_variables_of_aws(bucket, s3_store, monkeypatch, variable):
    monkeypatch.delenv("MLFLOW_S3_ENDPOINT_URL")
    monkeypatch.setenv(variable, s3_store.endpoint_url)
    storage.write_bytes(bucket, b"x")
    assert storage.read_bytes(bucket) == b"x"


def test_denied_access_is_a_permission_error(bucket):
    client = s3_client.client()
    storage.write_bytes(bucket, b"x")
    client.meta.events.register("before-send.s3.GetObject", _answer_denied, unique_id="deny")
    try:
        with pytest.raises(PermissionError, match=bucket):
            storage.read_bytes(bucket)
    finally:
        client.meta.events.unregister("before-send.s3.GetObject", unique_id="deny")


def _answer_denied(request, **_given):
    from botocore.awsrequest import AWSResponse

    class Body:
        def stream(self, **_given):
            yield b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"

    return AWSResponse(request.url, 403, {"content-type": "application/xml"}, Body())


# --- processes and imports ---


FORKED = """
import multiprocessing, sys
from ctc import storage
method, uri = sys.argv[1:]
storage.write_bytes(uri, b"x")
with multiprocessing.get_context(method).Pool(2) as pool:
    assert pool.map(storage.read_bytes, [uri] * 8) == [b"x"] * 8
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_worker_process_reads_with_a_client_of_its_own(bucket, method):
    # From a process of its own: a fork of this one may crash in TensorFlow, which other tests have
    # loaded, and a pool that lost a worker waits for ever.
    command = [sys.executable, "-c", FORKED, method, bucket]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_client_gives_up_in_time(s3_store):
    config = s3_client.client().meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 60)
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] == 1 + 3


def test_a_client_serves_one_process_and_all_its_threads(s3_store, monkeypatch):
    first = s3_client.client()
    assert s3_client.client() is first
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert s3_client.client() is not first


def test_boto3_is_imported_only_when_s3_is_used(tmp_path):
    code = (
        "import sys; from ctc import storage; "
        f"storage.write_bytes({str(tmp_path / 'x')!r}, b''); list(storage.list_files('.')); "
        "sys.exit(any(name.startswith('boto') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert storage.local_path("~/a b") == tmp_path / "a b"
    assert storage.local_path("~") == tmp_path
    assert storage.local_path("~a") == Path("~a")
    assert storage.local_path("x/~/y") == Path("x/~/y")


def test_an_absolute_name_is_the_same_place_from_everywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert storage.absolute("a/b") == str(tmp_path / "a" / "b")
    assert storage.absolute("/a/b") == "/a/b"
    assert storage.absolute("s3://bucket/a") == "s3://bucket/a"


def test_a_place_below_a_file_cannot_be_an_output(tmp_path):
    (tmp_path / "file").write_text("")
    storage.check_output(str(tmp_path / "new" / "deep"))
    with pytest.raises(BadInput, match=r"for '.*/file' is a file; name another place"):
        storage.check_output(str(tmp_path / "file" / "new" / "deep"))
