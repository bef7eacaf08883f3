"""A browser without a window, for tests of pages: Chromium's headless shell, spoken to through two pipes.

It takes the DevTools protocol: JSON, each message ended by a zero byte.  Nothing but Chromium is needed.
Every page is opened with the network as it is, and what a page asks for is noted: see `Page.requests`.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import selectors
import shutil
import subprocess
import tempfile
import time
from html import unescape
from pathlib import Path
from typing import Any

from grader import processes

NAMES = ("chromium-headless-shell", "chromium")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe", "about:blank")
SECONDS = 60.0
PHONE, DESK = (360, 740), (1280, 900)


def program() -> str:
    """The path of a Chromium, or "" where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), "")


class BrowserError(Exception):
    """The browser did not do what it was told."""


def _pipe() -> tuple[int, int]:
    """Its two ends, with numbers that are not 3 or 4."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high


class Browser:
    """One process; ends with the `with` block, or with this process."""

    def __enter__(self) -> Browser:
        self.home = tempfile.TemporaryDirectory(prefix="corral-browser-")
        (their_in, self.out), (self.into, their_out) = _pipe(), _pipe()
        # The protocol is on descriptors 3 and 4, whatever numbers the pipes have here.
        line = f'exec 3<&{their_in} 4>&{their_out} {their_in}<&- {their_out}>&-; exec "$@"'
        self.process = processes.start(
            ["bash", "-c", line, "bash", program(), f"--user-data-dir={self.home.name}", *FLAGS],
            pass_fds=(their_in, their_out), env=processes.clean_environment(HOME=self.home.name),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(their_in)
        os.close(their_out)
        self.number, self.rest = 0, b""
        self.events: list[dict[str, Any]] = []
        return self

    def __exit__(self, *_: object) -> None:
        processes.kill(self.process)
        os.close(self.out)
        os.close(self.into)
        self.home.cleanup()

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Sends one command and waits for its result."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self._message(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error'].get('message')}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method: str, session: str) -> dict[str, Any]:
        """The next event of this name, which may have come already."""
        deadline = time.monotonic() + SECONDS
        for index, event in enumerate(self.events):
            if event.get("method") == method and event.get("sessionId") == session:
                return self.events.pop(index)["params"]
        while True:
            event = self._message(deadline)
            if event.get("method") == method and event.get("sessionId") == session:
                return event["params"]
            self.events.append(event)

    def _message(self, deadline: float) -> dict[str, Any]:
        with selectors.DefaultSelector() as selector:
            selector.register(self.into, selectors.EVENT_READ)
            while b"\0" not in self.rest:
                if not selector.select(timeout=max(0.0, deadline - time.monotonic())):
                    raise BrowserError(f"no answer in {SECONDS:g} s")
                part = os.read(self.into, 1 << 16)
                if not part:
                    raise BrowserError("it has ended")
                self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def page(self, size: tuple[int, int] = DESK, dark: bool = False, script: bool = True) -> Page:
        """An empty page of this size."""
        return Page(self, size, dark, script)


class Page:
    """One tab.  `troubles` are errors of its console, `requests` the addresses that it asked for."""

    def __init__(self, browser: Browser, size: tuple[int, int], dark: bool, script: bool):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.target = target
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        if not script:
            self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.look(size, dark)

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self.browser.call("Target.closeTarget", targetId=self.target)
        self.browser.events = [e for e in self.browser.events if e.get("sessionId") != self.session]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.call(method, self.session, **params)

    def look(self, size: tuple[int, int], dark: bool) -> None:
        """How large the window is, and what the reader's system asks for."""
        self.call("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1],
                  deviceScaleFactor=1, mobile=size[0] < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.call("Emulation.setEmulatedMedia", features=[scheme, still])

    def open(self, address: str | Path) -> None:
        """Loads a file or an address and waits until all of it is there."""
        url = address.resolve().as_uri() if isinstance(address, Path) else address
        self.browser.events = [e for e in self.browser.events
                               if e.get("method") != "Page.loadEventFired"]
        failed = self.call("Page.navigate", url=url).get("errorText")
        if failed:
            raise BrowserError(f"{url}: {failed}")
        self.browser.wait("Page.loadEventFired", self.session)

    def run(self, script: str) -> Any:
        """The value of an expression, or of the promise that it is."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in result:
            raise BrowserError(str(result["exceptionDetails"].get("exception", {}).get("description")))
        return result["result"].get("value")

    def until(self, script: str) -> None:
        """Waits until an expression is true: looked at in each frame, up to the limit."""
        self.run(f"""new Promise((resolve, reject) => {{
            const end = performance.now() + {SECONDS * 1000:.0f} / 2;
            const look = () => ({script}) ? resolve(true)
                : performance.now() > end ? reject(new Error({json.dumps(script)}))
                : setTimeout(look, 20);
            look();
        }})""")

    def text(self, selector: str) -> str:
        """The text of an element as it is painted; works without scripts, too."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        html = self.call("DOM.getOuterHTML", nodeId=node)["outerHTML"]
        return unescape(re.sub(r"<[^>]*>", "", html))

    def press(self, key: str) -> None:
        """One key as a person presses it."""
        text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 else "")
        codes = {"Tab": 9, "Enter": 13, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37,
                 "ArrowRight": 39}
        common = {"key": key, "code": {" ": "Space"}.get(key, key),
                  "windowsVirtualKeyCode": codes.get(key, 0)}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def picture(self, path: Path, whole: bool = False) -> None:
        """A PNG of what is seen, or of the whole page."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    @property
    def requests(self) -> list[str]:
        """Every address that the page has asked for."""
        self.call("Runtime.evaluate", expression="1")       # what was sent before has arrived now
        return [event["params"]["request"]["url"] for event in self._events("Network.requestWillBeSent")]

    @property
    def troubles(self) -> list[str]:
        """Errors and warnings of the console, and exceptions that nobody caught."""
        self.call("Runtime.evaluate", expression="1")
        found = [str(e["params"]["exceptionDetails"].get("exception", {}).get("description", e))
                 for e in self._events("Runtime.exceptionThrown")]
        found += [str(e["params"]["args"]) for e in self._events("Runtime.consoleAPICalled")
                  if e["params"]["type"] in ("error", "warning", "assert")]
        return found + [e["params"]["entry"]["text"] for e in self._events("Log.entryAdded")
                        if e["params"]["entry"]["level"] in ("error", "warning")]

    def _events(self, method: str) -> list[dict[str, Any]]:
        return [e for e in self.browser.events
                if e.get("method") == method and e.get("sessionId") == self.session]
