import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from ctc.dataset.leakage.twins import NEAR
from ctc.pictures.fingerprints import FEATURELESS, content_of, fingerprint, perceptual_hash


def scene(seed: int, size: tuple[int, int] = (400, 300)) -> Image.Image:
    """A made-up landscape: smooth patches of light, and finer ones upon them."""
    rng = np.random.default_rng(seed)
    picture = np.zeros(size[::-1])
    for cells, strength in ((6, 70), (14, 40), (40, 25)):
        patches = Image.fromarray(rng.normal(0, strength, (cells, cells)).astype(np.float32))
        picture += np.asarray(patches.resize(size, Image.Resampling.BICUBIC))
    return Image.fromarray((128 + picture).clip(0, 255).astype(np.uint8)).convert("RGB")


def again(image: Image.Image, quality: int) -> Image.Image:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Image.open(data).convert("RGB")


def differing(one: Image.Image, other: Image.Image) -> int:
    pair = [np.frombuffer(perceptual_hash(image), np.uint8) for image in (one, other)]
    return int(np.bitwise_count(pair[0] ^ pair[1]).sum())


COPIES = {
    "the same": lambda image: image,
    "compressed": lambda image: again(image, 40),
    "half the size": lambda image: again(image.resize((200, 150)), 85),
    "larger": lambda image: image.resize((640, 480)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "darker": lambda image: again(ImageEnhance.Brightness(image).enhance(0.6), 85),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
}


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_looks_alike(copy):
    for seed in range(5):
        assert differing(scene(seed), COPIES[copy](scene(seed))) <= NEAR


def test_another_picture_does_not():
    scenes = [scene(seed) for seed in range(20)]
    apart = [differing(one, other) for n, one in enumerate(scenes) for other in scenes[:n]]
    assert min(apart) > 2 * NEAR


def test_the_bar_below_a_picture_does_not_make_it_alike():
    bar = Image.effect_noise((400, 22), 200).convert("RGB")
    one, other = scene(1), scene(2)
    before = differing(one, other)
    for image in (one, other):
        image.paste(bar, (0, 278))
    assert differing(one, other) == before


def black(noise: float, seed: int) -> Image.Image:
    """A night without anything: noise, and the faint round of a flash."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:300j, -1:1:400j]
    grey = 12 * np.exp(-2 * (x**2 + y**2)) + np.abs(rng.normal(0, noise, x.shape))
    return again(Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB"), 85)


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_black_pictures_are_not_compared(noise):
    assert perceptual_hash(black(noise, 0)) == FEATURELESS
    assert perceptual_hash(Image.new("RGB", (400, 300), (255, 255, 255))) == FEATURELESS


def test_a_faint_picture_is():
    faint = ImageEnhance.Contrast(scene(0)).enhance(0.15)
    assert perceptual_hash(faint) != FEATURELESS


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (30_000, 2), (33, 7)])
def test_a_picture_of_any_size_has_a_fingerprint(size):
    assert len(perceptual_hash(Image.new("RGB", size))) == 32


def test_the_content_is_that_of_the_file():
    # CRC-32C of "123456789" is e3069283: RFC 3720 and the catalogue of CRCs
    found = fingerprint(b"123456789" * 2, scene(0))
    assert found.content == bytes.fromhex("e3069283e3069283")
    assert found.perceptual == perceptual_hash(scene(0))


def test_a_byte_that_differs_anywhere_gives_another_content():
    files = {bytes([*range(place), 255, *range(place, 40)]) for place in range(41)} | {b"", b"\0"}
    assert len({content_of(file) for file in files}) == len(files) == 43
    assert all(len(content_of(file)) == 8 for file in files)


def test_every_machine_finds_the_same_bits():
    grid = np.add.outer(np.arange(96) ** 2 % 251, np.arange(128) ** 2 % 241) % 256
    image = Image.fromarray(grid.astype(np.uint8)).convert("RGB")
    assert perceptual_hash(image).hex() == (
        "943e97506aa22a518b4da282629d44201760a9327840f103e893290804d30990"
    )


def test_a_process_that_writes_shards_loads_no_tables_for_it():
    code = (
        "import sys; import ctc.pictures.fingerprints; "
        "print(*{'pandas', 'pyarrow', 'scipy'} & set(sys.modules))"
    )
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "")
