"""Child processes that never outlive this one, whatever ends it.

The parent-death signal is tied to the thread that starts a child, so children are started from
threads that live as long as the child does.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

PR_SET_PDEATHSIG = 1
_children: set[subprocess.Popen] = set()
_lock = threading.Lock()


def die_with_parent(parent: int) -> None:
    """Called in a child: from now on it dies when its parent does, or at once if it is dead."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


_used: Counter[int] = Counter()


def take_cpu() -> int:
    """The host's CPU that the fewest workers of this process use; give_back_cpu() returns it.

    A worker and its emulator take turns, hundreds of times a case.  On one CPU a turn is a switch;
    on two it is a wake-up of the other one, which costs several times as much.
    """
    allowed = sorted(os.sched_getaffinity(0))
    first = os.getpid() % len(allowed)      # graders side by side begin at different ones
    with _lock:
        cpu = min(allowed[first:] + allowed[:first], key=lambda cpu: _used[cpu])
        _used[cpu] += 1
    return cpu


def give_back_cpu(cpu: int) -> None:
    """The worker that had this CPU has ended."""
    with _lock:
        _used[cpu] -= 1


def stay_on(cpu: int) -> None:
    """Keeps this process and its children on one CPU of the host; -1 leaves them free."""
    if cpu >= 0:
        with contextlib.suppress(OSError):      # the CPU may be forbidden by now
            os.sched_setaffinity(0, {cpu})


def start(argv: list[str], **keywords) -> subprocess.Popen:
    """Starts a child in a session of its own, so that Ctrl-C reaches only this process."""
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *argv],
                               start_new_session=True, **keywords)
    with _lock:
        _children.add(process)
    return process


def finished(process: subprocess.Popen) -> None:
    """Forgets a child that was waited for."""
    with _lock:
        _children.discard(process)


def kill(process: subprocess.Popen) -> None:
    """Ends a child and what it started in its session, and waits for it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()
    finished(process)


def read_capped(process: subprocess.Popen, limit: int, seconds: float) -> tuple[bytes, str]:
    """What a child prints until it ends, and "" or what it did that ended it.

    It is stopped when it has printed more than `limit` bytes or has run for so long.
    """
    assert process.stdout is not None
    deadline = time.monotonic() + seconds
    data, trouble = bytearray(), ""
    with selectors.DefaultSelector() as selector, process.stdout as stream:
        selector.register(stream, selectors.EVENT_READ)
        while not trouble:
            left = deadline - time.monotonic()
            if left <= 0:
                trouble = f"took longer than {seconds:g} s"
            elif selector.select(timeout=left):
                part = os.read(stream.fileno(), 1 << 16)
                if not part:
                    break
                data += part
                if len(data) > limit:
                    trouble = f"printed more than {limit >> 10} KiB"
        try:
            if not trouble:
                process.wait(timeout=max(1.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            trouble = f"took longer than {seconds:g} s"
    kill(process)
    return bytes(data[:limit]), trouble


def kill_all() -> None:
    """Ends every child that is left."""
    with _lock:
        left = list(_children)
    for process in left:
        kill(process)


def clean_environment(**extra: str) -> dict[str, str]:
    """An environment that no variable of the user steers: no PYTHON*, MAKEFLAGS, CFLAGS."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TERM", "TMPDIR")
            if name in os.environ}
    kept.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
    return kept | {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"} | extra


def on_terminal() -> bool:
    """Whether standard output is a terminal that can be redrawn."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
