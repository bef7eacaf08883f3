"""A directory of its own for each emulator: in memory, short of path, gone with its owner."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "corral-"


def _places() -> list[Path]:
    return [place for place in (Path("/dev/shm"), Path("/tmp")) if os.access(place, os.W_OK)]


class PrivateDir:
    """Holds a lock on its directory for as long as this process lives, whatever ends it."""

    def __init__(self) -> None:
        for place in _places():
            _sweep(place)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=(_places() or [None])[0]))
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _sweep(place: Path) -> None:
    """Removes what a killed grader of this user left behind: nobody holds the lock any more."""
    for left in place.glob(PREFIX + "*"):
        try:
            if left.stat().st_uid != os.getuid():
                continue
            lock = os.open(left / "lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except OSError:
            pass
        finally:
            os.close(lock)
