import numpy as np
import pyarrow as pa
import pytest

from ctc.inventory.times import parse_times

MORNING = np.datetime64("2024-05-03T09:15:07", "ns")


def read(*texts: str | None) -> np.ndarray:
    return parse_times(pa.chunked_array([pa.array(texts, pa.string())]))


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-03T09:15:07",
        "2024-05-03 09:15:07",
        " 2024-05-03 09:15:07.000 ",
        "2024:05:03 09:15:07",
        "2024/05/03 09:15:07",
        "2024/5/3 9:15:07",
        "2024-05-03T09:15:07Z",
        "2024-05-03t09:15:07z",
        "2024-05-03T11:15:07+02:00",
        "2024-05-03 11:15:07 +0200",
        "2024:05:03 06:45:07-02:30",
        "20240503T091507",
        "03-May-2024 09:15:07",
        "3 may 2024 9:15:07",
        "03-MAY-2024T11:15:07+02:00",
    ],
)
def test_one_instant_is_read_in_every_form(text):
    assert read(text) == MORNING


def test_parts_of_a_second_a_missing_second_and_a_bare_date_are_read():
    found = read("2024-05-03 09:15:07.25", "2024-05-03 09:15:07,5", "2024-05-03 09:15", "2024/5/3")
    given = ["2024-05-03T09:15:07.25", "2024-05-03T09:15:07.5", "2024-05-03T09:15", "2024-05-03"]
    assert found.tolist() == np.array(given, "datetime64[ns]").tolist()


@pytest.mark.parametrize(
    "text",
    [
        None, "", "03/05/2024 09:15:07", "2024", "20240503", "now", "NaT", "2024-13-01 00:00:00",
        "2024-02-30 09:15:07", "0000:00:00 00:00:00", "2024-05-03 25:00:00", "2024-05-03 09:61:00",
        "9999-01-01 00:00:00", "31-Feb-2024 09:15:07", "03-Mai-2024 09:15:07",
        "03-Maybe-2024", "May-03-2024", "03-May-24 09:15:07", "03-May-2024 yesterday",
        "2024-05-03 09:15:07 yesterday", "1714727707",
    ],
)  # fmt: skip
def test_what_is_no_time_or_could_be_two_is_not_guessed(text):
    assert np.isnat(read(text)).all()


def test_every_month_is_read_by_its_english_name_and_by_its_first_letters():
    names = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]  # fmt: skip
    given = np.arange("2024-01", "2025-01", dtype="datetime64[M]").astype("datetime64[ns]")
    assert (read(*(f"01-{name}-2024" for name in names)) == given).all()
    assert (read(*(f"1-{name[:3]}-2024 00:00" for name in names)) == given).all()


def test_each_row_of_a_mixed_column_has_its_time():
    iso, exif, slashes = "2024-05-03T09:15:07Z", "2024:05:03 09:15:07", "2024/5/3 9:15:07"
    found = read(exif, None, "03-May-2024 09:15:07", "?", iso, slashes)
    assert (found == MORNING).tolist() == [True, False, True, False, True, True]
    assert np.isnat(found).tolist() == [False, True, False, True, False, False]
    assert found.dtype == np.dtype("datetime64[ns]")


def test_an_empty_column_has_no_times():
    assert len(parse_times(pa.chunked_array([], pa.string()))) == 0
