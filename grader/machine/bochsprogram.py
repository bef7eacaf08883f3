"""How Bochs is called: its debugger is always there in 2.7, and on request from 3.0 on."""

from __future__ import annotations

import functools
import subprocess

from grader import processes

PROGRAM = "bochs-bin"


def command() -> list[str]:
    """Bochs with its debugger, for a bochsrc in the folder where it is started."""
    return [PROGRAM, "-q", *(["-debugger"] if _asks_for_debugger() else []), "-f", "bochsrc"]


@functools.cache
def _asks_for_debugger() -> bool:
    try:
        done = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, errors="replace",
                              timeout=20, check=False, stdin=subprocess.DEVNULL,
                              env=processes.clean_environment())
    except (OSError, subprocess.TimeoutExpired):
        return False                    # whoever starts it says that it does not start
    return "-debugger" in done.stdout + done.stderr
