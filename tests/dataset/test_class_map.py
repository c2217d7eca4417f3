"""The file that gives classes their order and says which are merged."""

import json
from pathlib import Path

import pytest

from ctc.dataset.class_map import GivenClasses, as_class_map, read_class_map
from ctc.errors import BadInput
from ctc.labels import Label

# As the 2019 tool wrote it: its numbers are sorted as text, and nothing else is.
OF_2019 = (
    '{"count": {"7": 3, "1": 0, "3": 2, "10": 1}, "species": {"zebra": 2, "lion": 1, "ant": 0}, '
    '"standing": {"0": 0, "1": 1}}'
)


def written(folder: Path, content: object) -> str:
    path = folder / "classes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_a_label_mapping_of_the_2019_tool_gives_its_order(tmp_path: Path) -> None:
    assert read_class_map(written(tmp_path, OF_2019)) == {
        "count": GivenClasses(("1", "10", "3", "7")),
        "species": GivenClasses(("ant", "lion", "zebra")),
        "standing": GivenClasses(("0", "1")),
    }


def test_classes_have_a_place_or_count_as_another(tmp_path: Path) -> None:
    content = {
        "species": {"zebra": 0, "lionMale": "lion", "lion": 1, "lionFemale": "lion"},
        "count": {"11-50": "many", "51+": "many"},
    }
    assert read_class_map(written(tmp_path, content)) == {
        "species": GivenClasses(("zebra", "lion"), {"lionMale": "lion", "lionFemale": "lion"}),
        "count": GivenClasses((), {"11-50": "many", "51+": "many"}),
    }


def test_labels_are_written_as_they_are_read(tmp_path: Path) -> None:
    label = Label("species", ("zebra", "lion"), {"lionMale": "lion"})
    given = read_class_map(written(tmp_path, as_class_map((label,))))
    assert given == {"species": GivenClasses(label.classes, label.merged)}


def test_the_file_may_be_on_s3(bucket: str) -> None:
    from ctc import storage

    storage.write_bytes(f"{bucket}/classes.json", OF_2019.encode())
    assert read_class_map(f"{bucket}/classes.json")["standing"] == GivenClasses(("0", "1"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is no JSON: "),
        ("[1]", "found no label; allowed: {LABEL: {CLASS: PLACE}}"),
        ('{"a": ["x", "y"]}', 'label \'a\': found ["x", "y"]; allowed: {CLASS: PLACE}'),
        ('{"a": {}}', "label 'a': found {}; allowed: {CLASS: PLACE}"),
        ('{"a": {"x": 0.5}}', "label 'a': found 0.5 for 'x'; allowed: its place, a number, or"),
        ('{"a": {"x": true}}', "label 'a': found true for 'x'; allowed: its place"),
        ('{"a": {"x": 0, "x": 1}}', "'x' stands there twice"),
        ('{"a": {"x": 0, "y": 0}}', "label 'a': 'x' and 'y' both have the place 0; to merge them"),
        ('{"a": {"x": 0, "y": 2}}', "label 'a': found the places 0, 2; allowed: 0, 1, 2 and so on"),
        ('{"a": {"x": 1, "y": 2}}', "label 'a': found the places 1, 2; allowed: 0, 1, 2 and so on"),
        (
            '{"a": {"x": 0, "y": 1, "z": "w"}}',
            "label 'a': 'z' is to count as 'w', which has no place",
        ),
        (
            '{"a": {"x": "y", "y": "z"}}',
            "label 'a': 'x' is to count as 'y', which counts as another itself",
        ),
        ('{"a": {"x": "x"}}', "'x' is to count as 'x', which counts as another itself"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    tmp_path: Path, content: str, sentence: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(BadInput) as refused:
        read_class_map(path)
    assert str(refused.value).startswith(f"classes: '{path}'")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"classes: '.*none\.json': "):
        read_class_map(str(tmp_path / "none.json"))
