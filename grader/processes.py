"""Child processes that never outlive this one, whatever ends it.

The parent-death signal is tied to the thread that starts a child, so children are started from
threads that live as long as the child does.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
_children: set[subprocess.Popen] = set()
_lock = threading.Lock()


def die_with_parent(parent: int) -> None:
    """Called in a child: from now on it dies when its parent does, or at once if it is dead."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


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
