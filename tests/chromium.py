"""A browser without a window, driven through its own protocol over two pipes.

The protocol is described at https://chromedevtools.github.io/devtools-protocol/; messages are JSON,
each ended by a zero byte.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)  # fmt: skip


class Browser:
    """One page in a browser."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._number, self._rest = 0, b""
        self._session: str | None = None
        self.requests: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command; return its result when it is done."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            got = self._read()
            if got.get("id") == self._number:
                assert "error" not in got, got
                return got["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self._back, 1 << 20)
            assert data, "the browser has ended"
            self._rest += data
        first, self._rest = self._rest.split(b"\0", 1)
        got = json.loads(first)
        if got.get("method") == "Network.requestWillBeSent":
            self.requests.append(got["params"]["request"]["url"])
        return got

    def open(self, url: str) -> None:
        """Open a page and wait until it is there."""
        self.send("Page.navigate", url=url)
        while self._read().get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, script: str) -> Any:
        """Return what JavaScript in the page comes to."""
        got = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in got, got
        return got["result"].get("value")

    def wait_for(self, script: str, seconds: float = 60) -> Any:
        """Return what a script comes to, as soon as that is true."""
        end = time.monotonic() + seconds
        while not (value := self.evaluate(script)):
            assert time.monotonic() < end, f"waited in vain for {script}"
            self.wait()
        return value

    @contextmanager
    def inside(self, start: str) -> Iterator[None]:
        """Evaluate scripts in a frame that is cut off from the page, by how its address begins."""
        page, frame = self._session, self._frame(start)
        self._session = self.send("Target.attachToTarget", targetId=frame, flatten=True)[
            "sessionId"
        ]
        try:
            yield
        finally:
            self._session = page

    def _frame(self, start: str, seconds: float = 60) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for one in self.send("Target.getTargets")["targetInfos"]:
                if one["url"].startswith(start):
                    return one["targetId"]
            self.wait()
        raise AssertionError(f"there is no frame {start}")

    def wait(self) -> None:
        """Let the page do what it has put off for a moment."""
        script = "new Promise((done) => setTimeout(done, 50))"
        self.send("Runtime.evaluate", expression=script, awaitPromise=True)

    def click(self, element: str) -> None:
        """Press and release the mouse in the middle of an element, given as a CSS selector."""
        self.click_at(*self.middle(element))

    def middle(self, element: str) -> tuple[float, float]:
        """Bring an element into view; return where its middle is."""
        x, y = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(element)});"
            " e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        return x, y

    def click_at(self, x: float, y: float) -> None:
        """Press and release the mouse at a place of the page."""
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, code: int) -> None:
        """Press and release a key, given by its name and its number in Windows."""
        for kind in ("rawKeyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
            )


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a browser with a new profile in `folder`; it ends with the block."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # It reads commands from file 3 and answers in file 4.
    script = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", PROGRAM, *FLAGS, f"--user-data-dir={folder}"],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(ours_out, ours_in)
    finally:
        os.close(ours_out)
        process.terminate()
        process.wait(60)
        os.close(ours_in)
