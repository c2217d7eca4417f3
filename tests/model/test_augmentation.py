import colorsys
import dataclasses
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from ctc.dataset.image_spec import ImageSpec
from ctc.model.fitting.augmentation import (
    Augmentation,
    Strength,
    _hue_matrix,
    _recolour,
    _warp,
    strength,
)
from ctc.params import TrainParams

DEFAULT = strength(TrainParams(), ImageSpec(32, 32))
OFF = {"color": "none", "crop": 0.0, "zoom": 0.0, "rotate": 0.0, "flip": False}


def only(**how: float) -> Strength:
    return dataclasses.replace(asked(), **how)


def asked(**changes) -> Strength:
    """The strength of a training with these changes and no others."""
    return strength(TrainParams(**{**OFF, **changes}), ImageSpec(32, 32))


def pictures(count: int = 6, height: int = 24, width: int = 24) -> np.ndarray:
    """Smooth pictures, so that a place a fraction of a pixel off gives nearly the same value."""
    generator = np.random.default_rng(1)
    noise = generator.uniform(0, 255, (count, height, width, 3))
    smooth = ndimage.gaussian_filter(noise, (0, 2, 2, 0), mode="nearest")
    low, high = smooth.min(), smooth.max()
    return ((smooth - low) / (high - low) * 235 + 10).astype(np.uint8)


def plain(value: int, count: int = 64) -> np.ndarray:
    return np.full((count, 8, 8, 3), value, np.uint8)


def changed(how: Strength, images: np.ndarray, seed: int = 0) -> np.ndarray:
    return np.asarray(Augmentation(how, seed)(images, training=True))


def warped(image: np.ndarray, matrix: list[list[float]]) -> np.ndarray:
    affine = tf.constant([matrix], tf.float32)
    return np.asarray(_warp(tf.constant(image[None], tf.float32), affine))[0]


def reference(image: np.ndarray, matrix: list[list[float]]) -> np.ndarray:
    """The same map by SciPy, in rows and columns of pixels."""
    height, width, _ = image.shape
    (a, b, c), (d, e, f) = matrix
    half_x, half_y = (width - 1) / 2, (height - 1) / 2
    # old x = half_x * (a * (x / half_x - 1) + b * (y / half_y - 1) + c) + half_x; y alike
    linear = np.array([[e, d * half_y / half_x], [b * half_x / half_y, a]])
    offset = np.array([half_y * (1 - d - e + f), half_x * (1 - a - b + c)])
    channels = [
        ndimage.affine_transform(
            image[..., channel].astype(np.float64), linear, offset, order=1, mode="nearest"
        )
        for channel in range(3)
    ]
    return np.stack(channels, axis=-1)


def test_outside_training_nothing_changes() -> None:
    images = pictures()
    layer = Augmentation(DEFAULT, 0)
    np.testing.assert_array_equal(np.asarray(layer(images)), images)
    np.testing.assert_array_equal(np.asarray(layer(images, training=False)), images)


def test_in_training_bytes_of_the_same_shape_come_out() -> None:
    images = pictures(5, 20, 28)
    out = changed(DEFAULT, images)
    assert out.dtype == np.uint8
    assert out.shape == images.shape
    assert (out != images).any(axis=(1, 2, 3)).all()


def test_the_same_seed_gives_the_same_changes_step_by_step() -> None:
    images = pictures()
    layers = [Augmentation(DEFAULT, seed) for seed in (7, 7, 8)]
    first, again, other = ([np.asarray(x(images, training=True)) for _ in range(3)] for x in layers)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (first[0] != first[1]).any()
    assert (first[1] != first[2]).any()
    assert (first[0] != other[0]).any()


def test_the_pictures_of_a_batch_are_changed_each_in_its_own_way() -> None:
    same = np.repeat(pictures(1), 6, axis=0)
    out = changed(DEFAULT, same)
    differing = [(out[i] != out[j]).any() for i in range(6) for j in range(i)]
    assert all(differing)


def test_with_everything_off_the_layer_does_nothing_at_all() -> None:
    layer = Augmentation(asked(), 0)
    images = tf.constant(pictures())
    before = layer._draws.state.numpy()
    assert layer(images, training=True) is images
    np.testing.assert_array_equal(layer._draws.state.numpy(), before)


def test_a_flip_alone_leaves_the_picture_or_its_mirror_image() -> None:
    images = pictures(32)
    out = changed(asked(flip=True), images).astype(int)
    as_was = np.abs(out - images).max(axis=(1, 2, 3)) <= 1
    mirrored = np.abs(out - images[:, :, ::-1]).max(axis=(1, 2, 3)) <= 1
    assert (as_was ^ mirrored).all()
    assert 4 <= mirrored.sum() <= 28


COS, SIN = math.cos(0.3), math.sin(0.3)
MAPS = {
    "nothing": [[1, 0, 0], [0, 1, 0]],
    "a mirror": [[-1, 0, 0], [0, 1, 0]],
    "a zoom": [[0.6, 0, 0], [0, 0.6, 0]],
    "a zoom to a corner": [[0.7, 0, 0.3], [0, 0.7, -0.3]],
    "a quarter turn": [[0, -1, 0], [1, 0, 0]],
    "a turn": [[COS, -SIN, 0.1], [SIN, COS, -0.2]],
    "beyond the border": [[1.5, 0, 0.4], [0, 1.5, 0]],
}


@pytest.mark.parametrize("name", list(MAPS))
@pytest.mark.parametrize("shape", [(24, 24), (16, 30)], ids=["square", "wide"])
def test_a_map_reads_the_pixels_that_scipy_reads(name: str, shape: tuple[int, int]) -> None:
    image = pictures(1, *shape)[0]
    np.testing.assert_allclose(warped(image, MAPS[name]), reference(image, MAPS[name]), atol=0.1)


def test_a_mirror_and_a_quarter_turn_move_whole_pixels() -> None:
    image = pictures(1)[0].astype(np.float64)
    np.testing.assert_allclose(warped(image, MAPS["a mirror"]), image[:, ::-1], atol=0.01)
    turned = warped(image, MAPS["a quarter turn"])
    np.testing.assert_allclose(turned, np.rot90(image), atol=0.01)


def test_each_picture_of_a_batch_has_its_own_map() -> None:
    images = pictures(2)
    maps = [MAPS["a mirror"], MAPS["a zoom"]]
    out = np.asarray(_warp(tf.constant(images, tf.float32), tf.constant(maps, tf.float32)))
    for image, matrix, got in zip(images, maps, out, strict=True):
        np.testing.assert_allclose(got, reference(image, matrix), atol=0.1)


def test_drawn_maps_stay_within_the_strength() -> None:
    layer = Augmentation(asked(crop=0.3, rotate=10.0, flip=True), 3)
    affine = np.asarray(layer._affine(2000))
    zoom = np.hypot(affine[:, 0, 0], affine[:, 1, 0])
    assert 0.7 <= zoom.min() < 0.71
    assert 0.99 < zoom.max() <= 1.0001
    angle = np.degrees(np.arctan2(-affine[:, 0, 1], affine[:, 1, 1]))
    assert -10.01 <= angle.min() < -9.8
    assert 9.8 < angle.max() <= 10.01
    assert 0.45 < (np.linalg.det(affine[:, :, :2]) < 0).mean() < 0.55
    # What is cut away may be all on one side, but the picture is not left.
    assert (np.abs(affine[:, :, 2]) <= 1 - zoom[:, None] + 1e-5).all()


def test_without_a_flip_no_picture_is_mirrored() -> None:
    affine = np.asarray(Augmentation(asked(crop=0.3, rotate=10.0), 3)._affine(500))
    assert (np.linalg.det(affine[:, :, :2]) > 0).all()


def test_a_zoom_is_about_the_centre_and_to_either_side() -> None:
    affine = np.asarray(Augmentation(asked(zoom=0.25), 3)._affine(2000))
    assert not affine[:, :, 2].any()
    factor = 1 / affine[:, 0, 0]
    np.testing.assert_allclose(affine[:, 1, 1] * factor, 1, rtol=1e-5)
    assert 0.7499 <= factor.min() < 0.76
    assert 1.24 < factor.max() <= 1.2501


def test_a_zoom_shows_things_larger_or_smaller_by_its_factor_and_the_border_goes_on() -> None:
    image = np.full((32, 32, 3), 50, np.uint8)
    image[12:20, 12:20] = 200  # 64 pixels
    image[:, :3] = 100
    layer = Augmentation(asked(zoom=0.5), 1)
    drawn = Augmentation(asked(zoom=0.5), 1)._affine(40)
    factor = 1 / np.asarray(drawn)[:, 0, 0]
    out = np.asarray(layer(np.repeat(image[None], 40, axis=0), training=True)).astype(float)
    area = ((out[..., 0] - 50) / 150)[:, :, 10:22].clip(0, 1).sum(axis=(1, 2))
    np.testing.assert_allclose(area, 64 * factor**2, rtol=0.2)
    smallest = out[factor.argmin()]
    assert factor.min() < 0.6
    assert (smallest[:, :8] == 100).all()  # 3 columns are 2 now, and 6 of border go on
    assert (smallest[:8, 12:] == 50).all()


def test_a_crop_shows_any_part_larger_and_no_border() -> None:
    ramp = np.repeat(np.arange(0, 256, 8, np.uint8)[None, None, :, None], 3, axis=3)
    image = np.repeat(np.repeat(ramp, 32, axis=1), 60, axis=0)  # brighter from left to right
    row = changed(asked(crop=0.5), image)[:, 16, :, 0].astype(float)
    assert (np.diff(row, axis=1) > 0).all()  # where the border goes on nothing changes
    step = (row[:, -1] - row[:, 0]) / 31 / 8  # the share of the picture that is seen
    assert 0.48 < step.min() < 0.6
    assert 0.9 < step.max() <= 1.01
    middle = row.mean(axis=1)
    assert middle.min() < 100
    assert middle.max() > 150


@pytest.mark.parametrize("level", ["none", "little", "full"])
def test_the_levels_of_colour_change_pixels_as_far_as_they_say(level: str) -> None:
    far = {"none": 0.0, "little": 0.15, "full": 0.3}[level]
    grey = changed(asked(color=level), plain(128, 300))[:, 0, 0].astype(float)
    shift = (grey - 127.5).mean(axis=1) / 255  # contrast keeps it, brightness moves it
    assert np.abs(shift).max() == pytest.approx(far, abs=0.02)
    assert shift.min() == pytest.approx(-far, abs=0.02)
    colour = np.broadcast_to(np.uint8([150, 120, 100]), (300, 4, 4, 3))
    out = changed(asked(color=level), colour)[:, 0, 0].astype(float)
    hues = np.array([colorsys.rgb_to_hsv(*pixel / 255)[0] for pixel in out]) - 0.0667
    wide = {"none": 0.0, "little": 0.03, "full": 0.06}[level]
    assert np.abs((hues + 0.5) % 1 - 0.5).max() == pytest.approx(wide, abs=0.02)


def test_the_channels_of_a_stack_are_not_mixed() -> None:
    how = strength(TrainParams(**{**OFF, "color": "full"}), ImageSpec(8, 8, stacked=True))
    stacks = np.broadcast_to(np.uint8([60, 120, 180]), (200, 8, 8, 3))
    out = changed(how, stacks)[:, 0, 0].astype(float)
    inside = out[(out.min(axis=1) > 0) & (out.max(axis=1) < 255)]
    assert len(inside) > 100
    # One brightness and one contrast for the three: they stay as far from each other.
    np.testing.assert_allclose(inside[:, 1] - inside[:, 0], inside[:, 2] - inside[:, 1], atol=2)
    assert np.ptp(inside[:, 1] - inside[:, 0]) > 30  # contrast is drawn
    assert np.ptp(inside[:, 1]) > 60  # and brightness


def test_full_goes_beyond_what_the_tool_of_2019_did() -> None:
    full = asked(color="full")
    assert full.brightness >= 0.2
    assert full.contrast >= 0.3
    assert full.saturation >= 0.2
    assert full.hue >= 0.05


@pytest.mark.parametrize("how", [only(saturation=0.9), only(hue=0.5)], ids=repr)
@pytest.mark.parametrize("value", [0, 40, 128, 255])
def test_grey_stays_grey_under_saturation_and_hue(how: Strength, value: int) -> None:
    out = changed(how, plain(value)).astype(int)
    assert np.abs(out - value).max() <= 2


def test_brightness_shifts_all_channels_by_up_to_its_share_of_full_scale() -> None:
    colour = np.broadcast_to(np.uint8([100, 120, 140]), (200, 8, 8, 3))
    shift = changed(only(brightness=0.2), colour).astype(int) - colour
    assert (shift.max(axis=(1, 2, 3)) - shift.min(axis=(1, 2, 3)) <= 1).all()
    assert -51 <= shift.min() < -44
    assert 44 < shift.max() <= 51


def test_contrast_stretches_about_middle_grey() -> None:
    assert np.abs(changed(only(contrast=0.5), plain(127)).astype(int) - 127).max() <= 1
    assert np.abs(changed(only(contrast=0.5), plain(128)).astype(int) - 128).max() <= 1
    dark = changed(only(contrast=0.5), plain(28, 200)).astype(float)[:, 0, 0, 0]
    light = changed(only(contrast=0.5), plain(227, 200)).astype(float)[:, 0, 0, 0]
    np.testing.assert_allclose(dark + light, 255, atol=1)  # the same draws, the other side
    factor = (127.5 - dark) / 99.5
    assert 0.49 <= factor.min() < 0.55
    assert factor.max() > 1.25


def test_saturation_scales_the_distance_from_the_luminance() -> None:
    colour = np.broadcast_to(np.uint8([150, 120, 100]), (100, 4, 4, 3))
    out = changed(only(saturation=0.5), colour)[:, 0, 0].astype(float)
    grey = 0.299 * 150 + 0.587 * 120 + 0.114 * 100
    factor = (out - grey) / (np.array([150, 120, 100]) - grey)
    assert (factor[:, 0] - factor[:, 2] < 0.08).all()
    assert 0.47 <= factor[:, 0].min() < 0.6
    assert 1.4 < factor[:, 0].max() <= 1.53


def test_a_third_of_a_turn_of_hue_turns_red_towards_another_primary() -> None:
    red = tf.constant(np.full((1, 1, 1, 3), [180.0, 60.0, 60.0]), tf.float32)
    turned = []
    for angle in (2 * math.pi / 3, -2 * math.pi / 3):
        matrix = _hue_matrix(tf.constant([angle], tf.float32))
        pixel = np.asarray(_recolour(red, matrix, tf.zeros((1, 3))))[0, 0, 0]
        luminance = float(pixel @ np.array([0.299, 0.587, 0.114]))
        assert luminance == pytest.approx(0.299 * 180 + 0.701 * 60, abs=0.5)
        turned.append(colorsys.rgb_to_hsv(*(pixel / 255))[0] * 360)
    assert sorted(round(hue / 120) for hue in turned) == [1, 2]


def test_a_turn_of_hue_by_nothing_is_nothing() -> None:
    matrix = np.asarray(_hue_matrix(tf.zeros((1,))))[0]
    np.testing.assert_allclose(matrix, np.eye(3), atol=2e-3)


def test_xla_computes_the_same_from_the_same_draws() -> None:
    images = tf.constant(pictures(4), tf.float32)
    layer = Augmentation(DEFAULT, 5)
    drawn = layer._affine(4), *layer._colour(4)

    def change(affine, matrix, offset):
        return _recolour(_warp(images, affine), matrix, offset)

    compiled = tf.function(change, jit_compile=True)
    np.testing.assert_allclose(compiled(*drawn), change(*drawn), atol=0.02)


def test_the_whole_layer_compiles_under_xla() -> None:
    # XLA draws by another algorithm: other changes than without it, but the same each time.
    images = tf.constant(pictures(4))

    def compiled(how: Strength, seed: int):
        layer = Augmentation(how, seed)
        layer.build(images.shape)
        return tf.function(lambda x: layer(x, training=True), jit_compile=True)

    one, same = compiled(DEFAULT, 5), compiled(DEFAULT, 5)
    first = np.asarray(one(images))
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, np.asarray(same(images)))
    assert (first != np.asarray(one(images))).any()
    flipped = np.asarray(compiled(only(flip=True), 5)(images)).astype(int)
    for image, out in zip(images.numpy(), flipped, strict=True):
        assert min(np.abs(out - image).max(), np.abs(out - image[:, ::-1]).max()) <= 1


def test_the_layer_tells_what_it_was_made_with() -> None:
    config = Augmentation(only(hue=0.25), 9, name="changes").get_config()
    assert config["strength"]["hue"] == 0.25
    assert (config["seed"], config["name"]) == (9, "changes")


def test_the_trained_model_augments_in_training_alone() -> None:
    inputs = keras.Input((16, 16, 3), dtype="uint8")
    model = keras.Model(inputs, Augmentation(DEFAULT, 0)(inputs))
    images = pictures(3, 16, 16)
    np.testing.assert_array_equal(model.predict_on_batch(images), images)
    assert (np.asarray(model(images, training=True)) != images).any()
