"""Shards that other machines write, as they do it; `tests/test_cluster.py` has the machines."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from test_resuming import draw, inventory, params

from ctc import storage
from ctc.dataset.elsewhere import PutTask, finish_shared_shard, put_shard
from ctc.dataset.planning import plan_dataset
from ctc.dataset.reports import read_report
from ctc.dataset.resuming import origin_of
from ctc.dataset.shards import ShardTask, write_shard
from ctc.errors import BadInput, CannotGoOn
from ctc.storage import s3


@pytest.fixture
def task(tmp_path: Path) -> ShardTask:
    """A shard of a plan, with a picture that does not exist."""
    plan = plan_dataset(inventory(draw(tmp_path / "pictures")), params())
    return next(plan.tasks(tmp_path / "work" / "dataset"))


def test_a_folder_that_a_machine_does_not_see_is_one_sentence(task, tmp_path):
    with pytest.raises(CannotGoOn, match=r"does not see '.*work/dataset'; name an output that all"):
        finish_shared_shard(task)
    assert not (tmp_path / "work").exists()
    task.path.parent.mkdir(parents=True)
    assert [finish_shared_shard(task), finish_shared_shard(task)] == [False, True]


def test_a_shard_is_put_on_s3_with_its_report_once(task, bucket, tmp_path):
    asked = PutTask(task, bucket, keep=True)
    written = write_shard(task)
    kept, report = put_shard(asked)
    assert not kept
    assert set(s3.keys_below(bucket)) == {task.path.name, f"reports/{task.path.name}.json"}
    assert storage.read_bytes(f"{bucket}/{task.path.name}") == task.path.read_bytes()
    storage.write_bytes(str(tmp_path / "work" / "reports" / f"{task.path.name}.json"), report)
    assert read_report(task.path) == written
    assert put_shard(asked) == (True, report)
    assert put_shard(replace(asked, keep=False)) == (False, report)


@pytest.mark.parametrize("report", [False, True])
def test_a_shard_on_s3_that_is_not_right_is_put_anew(task, bucket, report):
    asked = PutTask(task, bucket, keep=True)
    put_shard(asked)
    right = storage.read_bytes(f"{bucket}/{task.path.name}")
    damaged = f"reports/{task.path.name}.json" if report else task.path.name
    storage.write_bytes(f"{bucket}/{damaged}", b"damaged")
    assert put_shard(asked)[0] is False
    assert storage.read_bytes(f"{bucket}/{task.path.name}") == right
    assert put_shard(asked)[0] is True


def test_a_shard_without_its_report_stays(task, bucket):
    asked = PutTask(task, bucket, keep=True)
    put_shard(asked)
    s3.delete(f"{bucket}/reports/{task.path.name}.json")
    assert put_shard(asked)[0] is False
    assert put_shard(asked)[0] is True


def test_a_plan_for_a_cluster_is_checked_before_any_work(tmp_path, monkeypatch):
    found = inventory(draw(tmp_path / "pictures"))
    monkeypatch.setitem(sys.modules, "ray", Image)  # something that is installed
    with pytest.raises(BadInput, match="image_root: found 'pictures'; allowed with engine=ray"):
        plan_dataset(found, params(engine="ray", image_root="pictures"))
    by_ray = plan_dataset(found, params(engine="ray", offline=True))
    assert origin_of(by_ray) == origin_of(plan_dataset(found, params()))
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BadInput, match="engine=ray needs Ray"):
        plan_dataset(found, params(engine="ray"))
