"""A directory of its own for each emulator: in memory, short of path, gone with its owner."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import socket
import stat
import struct
import tempfile
from pathlib import Path
from typing import BinaryIO

from grader.errors import GraderError

PREFIX = "corral-"
PUNCH_HOLE = 3          # of fallocate(2): with KEEP_SIZE


def _places() -> list[Path]:
    """Where it may be, the best place first.  A container's /dev/shm may refuse to execute what lies
    there, and what is preloaded into an emulator does."""
    places = [place for place in (Path("/dev/shm"), Path("/tmp")) if os.access(place, os.W_OK)]
    return sorted(places, key=lambda place: os.statvfs(place).f_flag & os.ST_NOEXEC)


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


def reading(path: Path) -> BinaryIO:
    """A file that the emulator wrote, opened: GraderError if it is none.

    An emulator that a kernel has taken over could put a link there, to a file of the host, or a
    pipe that never ends.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise GraderError(f"{path.name} of the emulator cannot be read ({error.strerror}): run "
                          "the grade again") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise GraderError(f"{path.name} of the emulator is not a plain file: run the grade again")
    return os.fdopen(descriptor, "rb")


def text(path: Path, most: int = 1 << 20) -> str:
    """The end of what the emulator wrote to a file."""
    with reading(path) as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - most))
        return stream.read(most).decode("utf-8", "replace")


def give_back(path: Path, size: int) -> None:
    """Frees what the first `size` bytes of a file take; nobody reads them again.

    The file keeps its length, because its writer may keep a position.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        ctypes.CDLL(None).fallocate(descriptor, PUNCH_HOLE, ctypes.c_long(0), ctypes.c_long(size))
        os.close(descriptor)


def time_out(link: socket.socket, way: int, seconds: float) -> None:
    """Lets the kernel end what takes longer, way being SO_RCVTIMEO or SO_SNDTIMEO: Python's own
    timeouts poll before each call.  0: nothing takes too long."""
    link.setsockopt(socket.SOL_SOCKET, way,
                    struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000)))


def peer_of(link: socket.socket) -> int:
    """The pid of the process at the other end of a local socket, as the kernel tells it.  What a
    process says of itself may be a pid of another namespace, or a lie."""
    size = struct.calcsize("3i")
    return struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]
