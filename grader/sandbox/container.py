"""Where namespaces are denied because a container is all there is: a uid without rights, limits.

The network, the other processes and the disk are as the container has them; the report says so.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from grader.errors import GraderError
from grader.sandbox.bubblewrap import PACK
from grader.sandbox.limits import BUILD, Limits, dropped, environment_words, limited


def require() -> None:
    """GraderError if this process cannot give up its uid."""
    if os.getuid() != 0:
        raise GraderError("SANDBOX=container gives up root's rights, and this is not root: start "
                          "the grader as root of a container made for this one grade")


def wrap(argv: list[str], limits: Limits, read: Iterable[Path] = (), write: Iterable[Path] = (),
         cwd: Path | None = None, environment: dict[str, str] | None = None) -> list[str]:
    """The command as nobody, under limits."""
    place = [] if cwd is None else ["--chdir", str(cwd.resolve())]
    words = environment_words(environment or {})
    return dropped(limited([*words[:1], *place, *words[1:], *argv], limits))


def build(argv: list[str], place: Path, archive: Path) -> list[str]:
    """See grader.sandbox.build()."""
    return wrap(["sh", "-c", PACK, "sh", str(place.resolve()), str(archive.resolve()), *argv],
                BUILD)


def readable(path: Path) -> bool:
    """Whether nobody may read the file or list the folder."""
    return subprocess.run(dropped(["test", "-r", str(path)]), stdin=subprocess.DEVNULL,
                          check=False).returncode == 0
