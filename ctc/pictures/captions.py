"""Names as pictures and plots show them: in one line, and no longer than there is room."""

import re

# ASCII's and Latin-1's control characters, and the two line breaks that Unicode has besides.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def one_line(text: str) -> str:
    """Return a text with one blank for each run of blanks, line breaks and control characters."""
    return " ".join(CONTROL.sub(" ", text).split())


def shortened(text: str, most: int) -> str:
    """Return at most so many (>= 1) characters of a text: its start and its end.

    Latin names of subspecies differ at their end.
    """
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"
