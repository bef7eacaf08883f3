"""What a process in a sandbox may use up, and as whom it runs."""

from __future__ import annotations

import os
from dataclasses import dataclass

NOBODY = 65534          # has no files and, as a rule, no other processes
MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Of each process, but `processes` and `disk`, which are of all together."""

    cpu: int                # seconds
    memory: int             # bytes of address space
    file: int               # bytes of one file
    processes: int          # with threads
    disk: int               # bytes in memory that may be written


# An honest build takes 2 s, 0.2 GiB and 20 MiB.  The largest grade takes minutes.
BUILD = Limits(cpu=30, memory=1536 * MIB, file=128 * MIB, processes=256, disk=256 * MIB)
TOOL = Limits(cpu=20, memory=1024 * MIB, file=MIB, processes=64, disk=MIB)
EMULATOR = Limits(cpu=7200, memory=4096 * MIB, file=1024 * MIB, processes=256, disk=64 * MIB)
MOST_OF_FOLDER = 2048 * MIB     # of the one folder that an emulator writes to: see overfull.py


def limited(argv: list[str], limits: Limits) -> list[str]:
    """The command under its limits."""
    return ["prlimit", f"--cpu={limits.cpu}", f"--as={limits.memory}", f"--fsize={limits.file}",
            f"--nproc={limits.processes}", "--core=0", "--", *argv]


def uid_to_use() -> int:
    """The uid of what is sandboxed: never root's, whom the kernel sets no limit of processes."""
    return NOBODY if os.getuid() == 0 else os.getuid()


def dropped(argv: list[str]) -> list[str]:
    """The command as nobody, if this process is root; it still dies with its parent."""
    if os.getuid() != 0:
        return argv
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
            "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--pdeathsig", "KILL",
            "--", *argv]


def environment_words(extra: dict[str, str]) -> list[str]:
    """`env` with nothing of the caller's environment."""
    values = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8",
              "HOME": "/tmp", "TMPDIR": "/tmp", "TERM": "dumb"} | extra
    return ["env", "-i", *(f"{name}={value}" for name, value in values.items())]
