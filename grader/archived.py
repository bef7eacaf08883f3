"""Unpacks what a build in a sandbox made: plain files with plain names, up to a size, and no more.

The archive was written where nobody is trusted, so it is data: nothing in it chooses a place
outside the build folder, a kind of file or a mode.
"""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

MOST = 256 << 20        # bytes in all
MOST_FILES = 2000
PART = r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,100}"
NAME = re.compile(rf"(?:{PART}/){{0,8}}{PART}")
KEPT = ("tree", "lock", "build.json", "build.log")      # not the build's to write


def unpack(archive: Path, folder: Path, code: int, log: str) -> tuple[int, str]:
    """Writes the files into the folder; gives the exit code and the log, changed if it cannot."""
    try:
        with tarfile.open(archive, "r:") as packed:
            _write(packed, folder)
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        # An archive that is not whole is the work of a limit, which the log names if make met it.
        if code == 0:
            return 1, f"{log}\nwhat the build made cannot be taken over: {error}\nKilled\n"
    finally:
        archive.unlink(missing_ok=True)
    return code, log


def _write(packed: tarfile.TarFile, folder: Path) -> None:
    left = MOST
    for count, member in enumerate(packed):
        name = member.name.removeprefix("./")
        if member.isdir():
            continue
        left -= member.size
        if not member.isreg() or not NAME.fullmatch(name) or name.split("/")[0] in KEPT:
            raise ValueError(f"{name[:80]!r} is no file of a build")
        if left < 0 or count > MOST_FILES:
            raise ValueError("it is larger than a build may be")
        source = packed.extractfile(member)
        assert source is not None
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read())
