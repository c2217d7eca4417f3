"""Files that are no pictures, as every real survey has some."""

from typing import Literal, get_args

Fault = Literal["truncated", "zero bytes", "html", "text", "missing"]
FAULTS: tuple[Fault, ...] = get_args(Fault)

HTML = b"""<!DOCTYPE html>
<html><head><title>403 Forbidden</title></head>
<body><h1>Forbidden</h1><p>The link to this picture is no longer valid.</p></body></html>
"""
TEXT = b"2024-09-30 11:02 card full, no picture written\n"


def spoil(fault: Fault, picture: bytes) -> bytes | None:
    """Return what stands in the place of the JPEG `picture`, or None for no file at all."""
    contents: dict[Fault, bytes | None] = {
        "truncated": picture[: len(picture) * 2 // 5],
        "zero bytes": b"",
        "html": HTML,
        "text": TEXT,
        "missing": None,
    }
    return contents[fault]
