"""Ends an emulator whose folder grows beyond all bounds.

The grader has to reach the folder, so it cannot be a mount of limited size inside the sandbox.  No
kernel fills it; one that has broken out of its emulator might.
"""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

from grader import processes
from grader.sandbox.limits import MOST_OF_FOLDER

EVERY = 0.5     # seconds


def watch(process: subprocess.Popen, folder: Path, most: int = MOST_OF_FOLDER) -> None:
    """Watches until the process ends; kills it when the folder takes more than `most` bytes."""
    threading.Thread(target=_watch, args=(process, folder, most), daemon=True).start()


def _watch(process: subprocess.Popen, folder: Path, most: int) -> None:
    while True:
        try:
            process.wait(timeout=EVERY)
            return
        except subprocess.TimeoutExpired:
            if size_of(folder) > most:
                processes.kill(process)
                return


def size_of(folder: Path) -> int:
    """Bytes that the files below a folder take; no link is followed."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
            except OSError:
                continue
    return total
