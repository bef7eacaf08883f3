"""bubblewrap: namespaces of its own for users, processes, mounts, network and the rest.

Shown are the toolchain, read-only, and what the caller names.  bwrap itself ends with its parent,
and everything inside ends with bwrap, because the first process of the namespace does.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from grader.errors import GraderError
from grader.sandbox.limits import (
    BUILD, TOOL, Limits, dropped, environment_words, limited, uid_to_use)

ISOLATED = ["bwrap", "--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent",
            "--cap-drop", "ALL", "--hostname", "corral"]
TOP = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
OF_ETC = ("alternatives", "ld.so.cache")
HIDDEN = ("/usr/local", "/usr/src")     # a machine's own things; no package puts a tool there
PACK = ('cd "$1/lab/tree" || exit 9; archive=$2; shift 2; "$@"; code=$?; '
        'tar -cf "$archive" -C .. --exclude=./tree . || exit 9; exit $code')
HOW = ("allow user namespaces (Ubuntu 24.04: sudo sysctl -w "
       "kernel.apparmor_restrict_unprivileged_userns=0), or, where a container of the platform "
       "does this work, say SANDBOX=container")


def require() -> None:
    """GraderError with the reason if bubblewrap cannot do its work here."""
    if shutil.which("bwrap") is None:
        raise GraderError("bwrap is not installed, and code of others is not graded without it: "
                          "run ./setup (package bubblewrap)")
    reason = refusal()
    if reason:
        raise GraderError(f"the sandbox cannot be had ({reason}), and code of others is not "
                          f"graded without it: {HOW}")


@functools.cache
def refusal() -> str:
    """Why a sandbox does not start, or ""."""
    try:
        done = subprocess.run(wrap(["true"], TOOL), capture_output=True, text=True,
                              errors="replace", timeout=20, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().splitlines()
    return said[-1] if said else f"bwrap ended with code {done.returncode}"


def _toolchain() -> list[str]:
    """The system's programs and libraries, read-only, and the few files of /etc they need."""
    words = ["--ro-bind", "/usr", "/usr"]
    for place in HIDDEN:
        if os.path.isdir(place):
            words += ["--tmpfs", place]
    for name in TOP:
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for name in OF_ETC:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return words


def _base(limits: Limits) -> list[str]:
    uid = str(uid_to_use())
    return [*ISOLATED, "--uid", uid, "--gid", uid, *_toolchain(), "--proc", "/proc",
            "--dev", "/dev", "--size", str(limits.disk), "--tmpfs", "/tmp"]


def wrap(argv: list[str], limits: Limits, read: Iterable[Path] = (), write: Iterable[Path] = (),
         cwd: Path | None = None, environment: dict[str, str] | None = None) -> list[str]:
    """The command in a sandbox that shows these paths where they are on the host."""
    words = _base(limits)
    for path in read:
        words += ["--ro-bind", str(path.resolve()), str(path.resolve())]
    for path in write:
        words += ["--bind", str(path.resolve()), str(path.resolve())]
    if cwd is not None:
        words += ["--chdir", str(cwd.resolve())]
    # /dev is a tmpfs without a size, and the root is one: neither is for writing.
    words += ["--remount-ro", "/dev", "--remount-ro", "/"]
    inside = environment_words(environment or {}) + argv
    return dropped([*words, "--", *limited(inside, limits)])


def build(argv: list[str], folder: Path, given: Path, archive: Path) -> list[str]:
    """See grader.sandbox.build(): all output but the archive lies in memory of limited size."""
    words = [*_base(BUILD), "--size", str(BUILD.disk), "--tmpfs", "/box", "--dir", "/box/lab",
             "--ro-bind", str(folder.resolve() / "tree"), "/box/lab/tree",
             "--ro-bind", str(given.resolve()), f"/box/{given.name}"]
    for path in sorted(folder.glob("*.keep")):
        words += ["--ro-bind", str(path.resolve()), f"/box/lab/{path.name}"]
    words += ["--bind", str(archive.resolve()), "/box.tar", "--remount-ro", "/dev",
              "--remount-ro", "/"]
    inside = [*environment_words({}), "sh", "-c", PACK, "sh", "/box", "/box.tar", *argv]
    return dropped([*words, "--", *limited(inside, BUILD)])
