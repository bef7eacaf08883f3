"""A pseudo-terminal between a person and an emulated serial line."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import termios
import tty
from collections.abc import Callable

from grader import processes

ESCAPE, QUIT = b"\x01", b"x"     # Ctrl-a x


def bridge(start: Callable[[str], subprocess.Popen]) -> int:
    """Starts a process on a new terminal device and copies both ways until it ends or Ctrl-a x."""
    master, slave = os.openpty()
    tty.setraw(slave)
    process = start(os.ttyname(slave))
    saved = termios.tcgetattr(0) if sys.stdin.isatty() else None
    try:
        if saved:
            tty.setraw(0)
        _copy(master, process)
    finally:
        if saved:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)
        processes.kill(process)
        os.close(master)
        os.close(slave)
    return 0


def _copy(master: int, process: subprocess.Popen) -> None:
    """Until the process has ended and its last output was read."""
    inputs = [master, 0]
    escaped = False
    while True:
        ready, _, _ = select.select(inputs, [], [], 0.2)
        if master in ready:
            _write(os.read(master, 4096))
        elif process.poll() is not None:
            return
        if 0 in ready:
            data = os.read(0, 1024)
            if not data:
                inputs.remove(0)
            if escaped and data[:1].lower() == QUIT or ESCAPE + QUIT in data:
                return
            escaped = data == ESCAPE
            if data and not escaped:
                os.write(master, data)


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data):]
