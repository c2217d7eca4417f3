import dataclasses
import io
import shutil
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from made_up_dataset import Made, make_dataset
from PIL import Image

from ctc.dataset import fitting
from ctc.dataset.fitting import fitted_pixels
from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.dataset.reading import (
    Reading,
    Share,
    damage_named,
    training_batches,
    validation_batches,
)
from ctc.dataset.reading.batches import Take
from ctc.dataset.reading.fitted import _decode, _fit, pixels_of
from ctc.dataset.records import Record, encode, write_framed
from ctc.dataset.shards import Shard
from ctc.errors import CannotGoOn
from ctc.labels import Label

CAPTURES, SHARDS, SIZE = 30, 3, 12
IDS = tuple(f"c{number:02d}" for number in range(CAPTURES))
WHO = Label("who", IDS)  # tells which capture a picture is of
KIND = Label("kind", ("even", "odd"))
RARE, NAMELESS = {4, 7}, {5, 10, 20}  # captures of a class not asked for, and of none


def pictures(number: int) -> int:
    return 1 + number % 3


def level(number: int, picture: int) -> int:
    """The grey of a picture, which tells which one it is."""
    return 8 * number + 2 * picture


def jpeg(grey: int) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (20, 16), (grey,) * 3).save(target, "JPEG", quality=100)
    return target.getvalue()


def record(number: int) -> Record:
    kind = "rare" if number in RARE else KIND.classes[number % 2]
    return Record(
        capture_id=IDS[number],
        images=tuple(jpeg(level(number, one)) for one in range(pictures(number))),
        labels={"who": IDS[number]} | ({} if number in NAMELESS else {"kind": kind}),
        metadata={"who": "a piece of metadata"},
    )


def shard(folder: Path, place: int) -> Shard:
    numbers = range(place, CAPTURES, SHARDS)
    path = folder / f"train-{place}.tfrecord"
    with path.open("wb") as file:
        for number in numbers:
            write_framed(file, encode(record(number)))
    images = sum(pictures(number) for number in numbers)
    return Shard(path.name, "train", len(numbers), images, path.stat().st_size, "")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Dataset:
    folder = tmp_path_factory.mktemp("numbered")
    shards = tuple(shard(folder, place) for place in range(SHARDS))
    return Dataset(folder, str(folder), {}, {}, {}, shards, {}, "", "")


def reading(dataset: Dataset, batch_size: int, labels=(WHO, KIND)) -> Reading:
    return Reading(Mixture.of(dataset), ("train",), labels, ImageSpec(SIZE, SIZE + 4), batch_size)


def taken(batches, count: int | None = None) -> list:
    return list(batches.take(-1 if count is None else count).as_numpy_iterator())


def shown(batches: list) -> list[tuple[int, int]]:
    """The captures and pictures in batches, in order; without what fills up the last batch."""
    found = []
    for pixels, classes, weights in batches:
        known = weights["who"] > 0
        for image, who in zip(pixels[known], classes["who"][known], strict=True):
            grey = float(image.mean())
            picture = round((grey - level(who, 0)) / 2)
            assert abs(grey - level(who, picture)) < 0.9
            assert 0 <= picture < pictures(who)
            found.append((int(who), picture))
    return found


def epochs(dataset: Dataset, batch_size: int, count: int, seed: int) -> list[list[tuple[int, int]]]:
    what = reading(dataset, batch_size)
    batches = taken(training_batches(what, count, seed))
    assert len(batches) == count * what.steps
    return [
        shown(batches[start : start + what.steps]) for start in range(0, len(batches), what.steps)
    ]


def test_a_reading_counts_captures_pictures_and_batches(dataset):
    what = reading(dataset, 7)
    assert (what.captures, what.images) == (30, 60)
    assert (what.steps, what.validation_steps) == (5, 9)
    assert (reading(dataset, 30).steps, reading(dataset, 31).steps) == (1, 1)


def test_every_batch_of_training_is_full_and_of_one_shape(dataset):
    batches = training_batches(reading(dataset, 7), 2, 0)
    pixels, classes, weights = batches.element_spec
    assert pixels.shape.as_list() == [7, SIZE, SIZE + 4, 3]
    found = taken(batches)
    assert len(found) == 10
    for pixels, classes, weights in found:
        assert (pixels.shape, pixels.dtype) == ((7, SIZE, SIZE + 4, 3), np.uint8)
        assert set(classes) == set(weights) == {"who", "kind"}
        for name in classes:
            assert (classes[name].shape, classes[name].dtype) == ((7,), np.int32)
            assert (weights[name].shape, weights[name].dtype) == ((7,), np.float32)


def check_labels(batches: list) -> set[int]:
    seen = set()
    for _, classes, weights in batches:
        assert weights["who"].tolist() == [1.0] * len(classes["who"])
        for who, kind, weight in zip(classes["who"], classes["kind"], weights["kind"], strict=True):
            seen.add(int(who))
            known = who not in RARE | NAMELESS
            assert (kind, weight) == ((who % 2, 1.0) if known else (0, 0.0))
    return seen


def test_training_has_the_labels_of_the_records_and_no_weight_where_they_are_not_known(dataset):
    batches = taken(training_batches(reading(dataset, 10), 1, 0))
    assert check_labels(batches) == set(range(CAPTURES))


def test_validation_has_the_labels_of_the_records_and_no_weight_where_they_are_not_known(dataset):
    what = reading(dataset, 10)
    assert check_labels(taken(validation_batches(what), what.validation_steps)) == set(range(30))


def test_labels_that_are_not_asked_for_are_not_read(dataset):
    _, classes, weights = taken(training_batches(reading(dataset, 10, (KIND,)), 1, 0), 1)[0]
    assert set(classes) == set(weights) == {"kind"}


@pytest.mark.parametrize("batch_size", [10, 30])
def test_an_epoch_shows_each_capture_once(dataset, batch_size):
    for epoch in epochs(dataset, batch_size, 3, 0):
        assert sorted(who for who, _ in epoch) == list(range(CAPTURES))


@pytest.mark.parametrize("batch_size", [7, 16, 45])
def test_the_last_batch_is_filled_up_with_the_first_captures(dataset, batch_size):
    for epoch in epochs(dataset, batch_size, 2, 0):
        order = [who for who, _ in epoch]
        assert sorted(order[:CAPTURES]) == list(range(CAPTURES))
        assert order[CAPTURES:] == order[: len(order) - CAPTURES]


def test_the_same_seed_gives_the_same_batches(dataset):
    one, other = (taken(training_batches(reading(dataset, 7), 2, 5)) for _ in range(2))
    for first, second in zip(one, other, strict=True):
        assert np.array_equal(first[0], second[0])
        for part in (1, 2):
            for name in ("who", "kind"):
                assert np.array_equal(first[part][name], second[part][name])


def test_each_epoch_and_each_seed_has_its_own_order(dataset):
    found = [
        tuple(who for who, _ in epoch) for seed in (0, 1) for epoch in epochs(dataset, 10, 3, seed)
    ]
    assert len(set(found)) == 6
    assert tuple(range(CAPTURES)) not in found


def test_an_epoch_does_not_depend_on_how_many_follow(dataset):
    assert epochs(dataset, 10, 1, 3)[0] == epochs(dataset, 10, 3, 3)[0]


@pytest.mark.parametrize("step", [1, 3])
def test_an_epoch_can_begin_in_its_middle(dataset, step):
    (whole,) = epochs(dataset, 7, 1, seed=1)
    rest = shown(taken(training_batches(reading(dataset, 7), 2, seed=1, step=step)))
    first, second = whole[7 * step :], rest[len(whole) - 7 * step :]
    assert rest[: len(first)] == first
    assert second == epochs(dataset, 7, 2, seed=1)[1]


def test_every_picture_of_a_capture_is_shown_sooner_or_later(dataset):
    seen = defaultdict(Counter)
    for epoch in epochs(dataset, 30, 40, 0):
        for who, picture in epoch:
            seen[who][picture] += 1
    for number in range(CAPTURES):
        assert set(seen[number]) == set(range(pictures(number)))
    third = Counter()
    for number in range(2, CAPTURES, 3):
        third.update(seen[number])
    assert min(third.values()) > 400 / 3 * 0.7  # of 400 pictures drawn from three each


@pytest.mark.parametrize("batch_size", [7, 20, 100])
def test_a_round_of_validation_has_every_picture_once_and_in_order(dataset, batch_size):
    what = reading(dataset, batch_size)
    batches = taken(validation_batches(what), 2 * what.validation_steps)
    one, other = batches[: what.validation_steps], batches[what.validation_steps :]
    order = [number for place in range(SHARDS) for number in range(place, CAPTURES, SHARDS)]
    wanted = [(number, picture) for number in order for picture in range(pictures(number))]
    assert shown(one) == wanted
    assert shown(other) == wanted
    assert {len(batch[0]) for batch in batches} == {batch_size}
    rest = what.validation_steps * batch_size - what.images
    pixels, _, weights = one[-1]
    assert pixels[batch_size - rest :].max(initial=0) == 0
    assert sum(weights["kind"][batch_size - rest :]) == 0


def order_with(dataset: Dataset, buffer: int) -> list[int]:
    what = dataclasses.replace(reading(dataset, 30), shuffle_buffer=buffer)
    return [who for who, _ in shown(taken(training_batches(what, 1, 0)))]


def test_captures_are_shuffled_within_the_buffer_alone(dataset):
    as_stored = order_with(dataset, 1)
    assert sorted(as_stored) == list(range(CAPTURES))
    for buffer in (5, 10):
        shuffled = order_with(dataset, buffer)
        assert shuffled != as_stored
        for start in range(0, CAPTURES, buffer):
            block = slice(start, start + buffer)
            assert sorted(shuffled[block]) == sorted(as_stored[block])
    everywhere = order_with(dataset, 1024)
    assert sorted(everywhere[:10]) != sorted(as_stored[:10])


def most_at_once(dataset: Dataset, workers: int, monkeypatch) -> int:
    """How many pictures were being decoded at the same time, at most."""
    lock, now, most = threading.Lock(), 0, 0

    def slowly(data: np.ndarray) -> np.ndarray:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return data

    def decoded(data, image):
        return pixels_of(tf.ensure_shape(tf.numpy_function(slowly, [data], tf.string), [1]), image)

    monkeypatch.setattr("ctc.dataset.reading.batches.pixels_of", decoded)
    what = dataclasses.replace(reading(dataset, 30), workers=workers)
    taken(training_batches(what, 1, 0))
    return most


@pytest.mark.parametrize("workers", [1, 3])
def test_as_many_pictures_are_decoded_at_once_as_asked_for(dataset, workers, monkeypatch):
    assert most_at_once(dataset, workers, monkeypatch) == workers


@pytest.mark.parametrize("side", [16, 32, 36, 64, 160])
@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_prediction_sees_almost_what_training_sees(small_dataset, side, fit):
    spec = ImageSpec(side, side * 3 // 2 if side == 36 else side, fit)
    what = Reading(Mixture.of(small_dataset), ("train",), (), spec, 16)
    (pixels, _, _) = taken(validation_batches(what), 1)[0]
    jpegs = [image for one in small_dataset.records(("train",)) for image in one.images][:16]
    for trained, data in zip(pixels, jpegs, strict=True):
        predicted = fitted_pixels(data, spec)
        assert (predicted.dtype, predicted.shape) == (np.uint8, (spec.height, spec.width, 3))
        assert np.abs(predicted.astype(float) - trained).mean() < 3
    spread = np.abs(pixels[:8].astype(float) - pixels[8:]).mean()
    assert spread > 10  # what a wrong picture would differ by


@pytest.mark.parametrize("way", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("stacked", [False, True])
def test_a_single_picture_is_fitted_to_the_bit_as_in_the_graph_of_training(way, stacked):
    noise = np.random.default_rng(4)
    for height, width, rows, columns in noise.integers(1, 200, (30, 4)):
        pixels = noise.integers(0, 256, (height, width, 3)).astype(np.uint8)
        spec = ImageSpec(int(rows), int(columns), way)
        expected = _fit(tf.constant(pixels), spec)
        if stacked:
            found = fitted_pixels(
                png(Image.fromarray(pixels)), dataclasses.replace(spec, stacked=True)
            )
            expected = tf.image.rgb_to_grayscale(expected)
        else:
            found = fitting.fit(pixels, spec)
        np.testing.assert_array_equal(found, expected.numpy())


def test_a_picture_is_stretched_to_the_shape_asked_for():
    image = Image.new("RGB", (60, 20), (0, 0, 0))
    image.paste((240, 240, 240), (30, 0, 60, 20))
    found = fitted_pixels(png(image), ImageSpec(40, 8))
    assert found.shape == (40, 8, 3)
    assert found[:, 1].max() == 0
    assert found[:, 6].min() == 240


THIRDS = ((250, 0, 0), (0, 250, 0), (0, 0, 250))


def thirds(width: int, height: int, upright: bool = False) -> Image.Image:
    """Red, green and blue side by side, or one above the other."""
    image = Image.new("RGB", (width, height))
    for place, colour in enumerate(THIRDS):
        low, high = place * width // 3, (place + 1) * width // 3
        image.paste(colour, (low, 0, high, height))
    return image.transpose(Image.Transpose.ROTATE_270) if upright else image


def png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


@pytest.mark.parametrize("upright", [False, True])
def test_padding_keeps_the_aspect_ratio_and_fills_up_with_grey_on_both_sides(upright):
    found = fitted_pixels(png(thirds(60, 20, upright)), ImageSpec(40, 40, "pad"))
    if upright:
        found = found.swapaxes(0, 1)
    # A third of 40 is 13 and a bit: 13 rows of grey, 13 of the picture, 14 of grey.
    assert (found[:13] == 128).all()
    assert (found[26:] == 128).all()
    for place, colour in enumerate(THIRDS):
        assert (found[13:26, place * 13 + 2 : place * 13 + 12] == colour).all()


@pytest.mark.parametrize("upright", [False, True])
def test_cropping_keeps_the_aspect_ratio_and_the_centre(upright):
    found = fitted_pixels(png(thirds(60, 20, upright)), ImageSpec(10, 10, "crop"))
    assert (found == THIRDS[1]).all()
    wide = ImageSpec(20, 10, "crop") if upright else ImageSpec(10, 20, "crop")
    found = fitted_pixels(png(thirds(60, 20, upright)), wide)
    found = found.swapaxes(0, 1) if upright else found
    # Of 60 columns the middle 40: ten of the first third, twenty of the second, ten of the last.
    assert (found[:, :4] == THIRDS[0]).all()
    assert (found[:, 6:14] == THIRDS[1]).all()
    assert (found[:, 16:] == THIRDS[2]).all()


@pytest.mark.parametrize("fit", ["pad", "crop"])
@pytest.mark.parametrize("size", [(300, 7), (7, 300), (1, 1), (2000, 1)])
def test_pictures_of_any_shape_fit(fit, size):
    image = Image.new("RGB", size, (250, 250, 250))
    found = fitted_pixels(png(image), ImageSpec(24, 32, fit))
    assert found.shape == (24, 32, 3)
    assert (found == 250).any()


def test_a_picture_of_the_networks_shape_is_the_same_however_it_is_fitted():
    data = png(thirds(64, 48))
    stretched = fitted_pixels(data, ImageSpec(24, 32))
    for fit in ("pad", "crop"):
        assert (fitted_pixels(data, ImageSpec(24, 32, fit)) == stretched).all()


@pytest.mark.parametrize(
    ("fit", "decoded"),
    # A wide picture of 1600 x 400 for 100 x 100: padded, 25 rows and 100 columns of it are seen;
    # cropped, 100 rows and 400 columns are needed, as the centre alone is 100 columns.
    [("stretch", (100, 400)), ("pad", (50, 200)), ("crop", (100, 400))],
)
def test_a_jpeg_is_decoded_as_small_as_its_fit_allows(fit, decoded):
    spec = ImageSpec(100, 100, fit)
    target = io.BytesIO()
    thirds(1600, 400).save(target, "JPEG")
    assert _decode(target.getvalue(), spec).shape == (*decoded, 3)


# --- bursts ---

COLOUR = (200, 100, 50)
LUMINANCE = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
BURSTS = {  # the grey of each picture
    "c000": (40,),
    "c001": (60, 100),
    "c002": (30, 90, 150),
    "c003": (20, 60, 100, 140, 180),
    "c004": (LUMINANCE,),
}
STACKS = {
    "c000": [(40, 40, 40)],
    "c001": [(60, 100, 100)],
    "c002": [(30, 90, 150)],
    "c003": [(20, 60, 100), (60, 100, 140), (100, 140, 180)],
    "c004": [(LUMINANCE,) * 3],
}


@pytest.fixture(scope="module")
def bursts(tmp_path_factory) -> Dataset:
    """Captures of one to five plain pictures; one of them is in colour."""
    captures = [
        Made("train", {"who": name}, tuple(np.full((16, 20, 3), grey, np.uint8) for grey in greys))
        for name, greys in BURSTS.items()
    ]
    captures[-1] = Made("train", {"who": "c004"}, (np.full((16, 20, 3), COLOUR, np.uint8),))
    return make_dataset(tmp_path_factory.mktemp("bursts"), captures)


def of_bursts(dataset: Dataset, stacked: bool, take: Take = "random") -> Reading:
    image = ImageSpec(SIZE, SIZE, stacked=stacked)
    who = (Label("who", tuple(BURSTS)),)
    return Reading(Mixture.of(dataset), ("train",), who, image, 5, take=take)


def channels(batches: list) -> list[tuple[str, tuple[int, ...]]]:
    """Of each picture its capture and what its plain channels are."""
    found = []
    for pixels, classes, weights in batches:
        known = weights["who"] > 0
        for image, who in zip(pixels[known], classes["who"][known], strict=True):
            assert np.ptp(image, axis=(0, 1)).max() <= 2
            found.append((tuple(BURSTS)[who], tuple(image[4, 4].astype(int))))
    return found


def near(found: tuple[int, ...], wanted: tuple[float, ...]) -> bool:
    return all(abs(a - b) <= 2 for a, b in zip(found, wanted, strict=True))


def test_validation_shows_every_stack_of_three_consecutive_pictures(bursts):
    what = of_bursts(bursts, stacked=True)
    assert (what.captures, what.images, what.views) == (5, 12, 7)
    assert what.validation_steps == 2
    batches = taken(validation_batches(what), 2 * what.validation_steps)
    assert [batch[2]["who"].sum() for batch in batches] == [5, 2, 5, 2]
    order = [record.capture_id for record in bursts.records(("train",))]
    wanted = [(name, stack) for name in order for stack in STACKS[name]]
    for (name, stack), (who, found) in zip(2 * wanted, channels(batches), strict=True):
        assert name == who
        assert near(found, stack)


def test_training_shows_one_stack_of_each_capture_and_another_in_another_epoch(bursts):
    what = of_bursts(bursts, stacked=True)
    seen = defaultdict(set)
    for batch in taken(training_batches(what, 30, 0)):
        found = channels([batch])
        assert sorted(name for name, _ in found) == [*BURSTS]
        for name, stack in found:
            (place,) = [n for n, one in enumerate(STACKS[name]) if near(stack, one)]
            seen[name].add(place)
    assert {name: len(places) for name, places in seen.items()} == {
        name: len(stacks) for name, stacks in STACKS.items()
    }


@pytest.mark.parametrize(("take", "of_five"), [("first", 1), ("random", 5)])
def test_training_shows_the_first_picture_or_any(bursts, take, of_five):
    what = of_bursts(bursts, stacked=False, take=take)
    found = channels(taken(training_batches(what, 30, 0)))
    shown = {round(stack[0] / 40 - 0.5) for name, stack in found if name == "c003"}
    assert len(shown) == of_five
    assert 0 in shown
    # Whatever training takes, validation shows every picture.
    assert what.views == len(channels(taken(validation_batches(what), what.validation_steps))) == 12


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_a_channel_of_a_stack_is_the_luminance_of_a_picture(fit):
    found = fitted_pixels(png(Image.new("RGB", (60, 40), COLOUR)), ImageSpec(24, 24, fit, True))
    assert found.shape == (24, 24, 1)
    assert np.abs(found[6:18] - LUMINANCE).max() <= 1
    if fit == "pad":
        assert (found[:4] == 128).all()


@pytest.mark.parametrize("harm", ["flip", "remove"])
def test_a_shard_that_was_damaged_since_is_named(small_dataset, tmp_path, harm):
    folder = tmp_path / "dataset"
    shutil.copytree(small_dataset.folder, folder)
    harmed = dataclasses.replace(small_dataset, folder=folder, uri=str(folder))
    label = Mixture.of(harmed).classes("empty", ("train",))
    what = Reading(Mixture.of(harmed), ("train",), (label,), ImageSpec(SIZE, SIZE), 8)
    batches = training_batches(what, 1, seed=0)
    path = folder / harmed.shards_of(("train",))[0].name
    data = path.read_bytes()
    path.unlink()
    if harm == "flip":
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    said = "is damaged" if harm == "flip" else r"cannot be read \(no such file\)"
    with (
        pytest.raises(CannotGoOn, match=f"dataset '{folder}': shard '{path.name}' {said}: write"),
        damage_named(what),
    ):
        taken(batches)


def test_an_error_that_is_not_the_dataset_s_is_not_put_down_to_it(small_dataset):
    label = Mixture.of(small_dataset).classes("empty", ("train",))
    what = Reading(Mixture.of(small_dataset), ("train",), (label,), ImageSpec(SIZE, SIZE), 8)
    with pytest.raises(tf.errors.InvalidArgumentError), damage_named(what):
        tf.debugging.assert_equal(1, 2)


# --- shares of several hosts ---


def parts_of(dataset: Dataset, hosts: int, batch_size: int, read) -> list[list]:
    """What each host reads."""
    what = reading(dataset, batch_size)
    return [read(dataclasses.replace(what, share=Share(n, hosts))) for n in range(hosts)]


def put_together(parts: list[list]) -> list:
    """The batches that hosts see together."""
    return [
        tf.nest.map_structure(lambda *own: np.concatenate(own), *batch)
        for batch in zip(*parts, strict=True)
    ]


@pytest.mark.parametrize("hosts", [2, 3])
@pytest.mark.parametrize("sampled", [None, KIND])
def test_hosts_see_together_the_batches_of_one(dataset, hosts, sampled):
    def read(what: Reading) -> list:
        # Two epochs, of which the first goes on in its middle.
        what = dataclasses.replace(what, sampled=sampled)
        return taken(training_batches(what, 2, seed=3, first=0, step=2))

    alone = read(reading(dataset, 12))
    together = put_together(parts_of(dataset, hosts, 12, read))
    assert len(alone) == len(together) == 4
    tf.nest.map_structure(np.testing.assert_array_equal, together, alone)


@pytest.mark.parametrize(("hosts", "size"), [(2, 8), (4, 8), (3, 33), (2, 60), (2, 64)])
def test_hosts_validate_together_on_every_picture_once(dataset, hosts, size):
    def read(what: Reading) -> list:
        return taken(validation_batches(what), 2 * what.validation_steps)

    alone = read(reading(dataset, size))
    together = put_together(parts_of(dataset, hosts, size, read))
    tf.nest.map_structure(np.testing.assert_array_equal, together, alone)
    once = shown(together[: len(together) // 2])
    assert len(once) == len({*once}) == 60
