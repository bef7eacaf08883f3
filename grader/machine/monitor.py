"""Clients of QEMU's other two sockets: QMP, and qtest beside a running machine."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path
from typing import Any

from grader.errors import GraderError

TIMEOUT = 30.0
USUAL = re.compile(r'"event": "(?:STOP|RESUME)"')      # within a string the quotes would be escaped


def connect(path: Path, alive) -> socket.socket:
    """Connects to a socket that QEMU is about to open; `alive()` says whether it still may."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            link.close()
            if not alive() or time.monotonic() > deadline:
                raise GraderError("QEMU did not start: run `make doctor`") from None
            time.sleep(0.003)
        else:
            link.settimeout(TIMEOUT)
            return link


class _Lines:
    """Lines to and from a socket."""

    def __init__(self, link: socket.socket):
        self._link = link
        self._file = link.makefile("rb")

    def close(self) -> None:
        self._file.close()
        self._link.close()

    def send(self, line: str) -> None:
        self._link.sendall(line.encode() + b"\n")

    def line(self) -> str:
        try:
            text = self._file.readline()
        except OSError as error:
            raise GraderError(f"QEMU does not answer ({error}): run the grade again") from None
        if not text:
            raise GraderError("QEMU ended while the grader used it: run the grade again")
        return text.decode()


class Qmp(_Lines):
    """The machine protocol.  `events` collects events as they pass, but those of stops and starts."""

    def __init__(self, link: socket.socket):
        super().__init__(link)
        self.events: list[dict[str, Any]] = []
        self.line()                              # the greeting
        self.command("qmp_capabilities")

    def command(self, name: str, **arguments: Any) -> Any:
        self.send(json.dumps({"execute": name, "arguments": arguments}))
        while True:
            line = self.line()
            if USUAL.search(line):      # thousands of them: each stop and each start is one
                continue
            reply = json.loads(line)
            if "event" in reply:
                self.events.append(reply)
                del self.events[:-16]
            elif "error" in reply:
                raise GraderError(f"QEMU refused {name}: {reply['error'].get('desc')}")
            else:
                return reply["return"]

    def human(self, line: str, cpu: int = 0) -> str:
        """A command of the human monitor, and what it printed."""
        return self.command("human-monitor-command", **{"command-line": line, "cpu-index": cpu})

    def status(self) -> str:
        return self.command("query-status")["status"]


class Qtest(_Lines):
    """Physical memory and devices, seen from the bus."""

    def command(self, text: str) -> str:
        return self.commands(text)[0]

    def commands(self, *texts: str) -> list[str]:
        """Several commands with one wait, and what each answered."""
        self.send("\n".join(texts))
        return [self._answer(text) for text in texts]

    def _answer(self, text: str) -> str:
        reply = self.line().strip()
        while reply.startswith("IRQ"):
            reply = self.line().strip()
        if not reply.startswith("OK"):
            raise GraderError(f"QEMU refused {text.split()[0]}: {reply}")
        return reply[3:]

    def write32(self, address: int, value: int) -> None:
        self.command(f"writel {address:#x} {value:#x}")

    def write64(self, address: int, value: int) -> None:
        self.command(f"writeq {address:#x} {value:#x}")

    def read64(self, address: int) -> int:
        return int(self.command(f"readq {address:#x}"), 16)

    def read(self, address: int, size: int) -> bytes:
        return bytes.fromhex(self.command(f"read {address:#x} {size:#x}")[2:])

    def write(self, address: int, data: bytes) -> None:
        self.command(f"write {address:#x} {len(data):#x} 0x{data.hex()}")
