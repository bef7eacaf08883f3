"""What one submission holds, as names and bytes: a folder or an archive, read and never unpacked."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from grader import processes, sandbox
from grader.course.classroom import unpack
from grader.course.pullrequest.selection import printable
from grader.sources import MAX_FILE, SUFFIXES

PYTHON = "/usr/bin/python3"     # the sandbox shows no other
ARCHIVES = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar", ".zip")
MAX_ARCHIVE = 128 << 20         # bytes
MAX_PRINTED = 64 << 20          # bytes of what the reader of an archive says
SECONDS = 60
DEEPEST = 16                    # folders in folders


class Unreadable(Exception):
    """Nothing of the submission can be taken; the text says why."""


@dataclass(frozen=True)
class Item:
    """One name in a submission."""

    path: tuple[str, ...]       # its parts; none is "..", "." or empty
    mode: str                   # as git has it: "100644", "120000", "040000", or another word
    size: int
    data: bytes | None = None   # of a file that may be a lab's


def of_entry(path: Path) -> tuple[list[Item], dict[str, str]]:
    """The items of a submission, and what was refused on the way: a name as it may be shown -> why.

    Raises Unreadable.
    """
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        return _folder(path), {}
    return _archive(path)


def _folder(top: Path) -> list[Item]:
    """Every name below a folder; no link is followed."""
    found: list[Item] = []
    todo: list[tuple[str, ...]] = [()]
    while todo:
        parts = todo.pop()
        try:
            entries = sorted(os.scandir(top.joinpath(*parts)), key=lambda entry: entry.name)
        except OSError as error:
            raise Unreadable(f"{'/'.join(parts) or 'it'} cannot be listed: {error.strerror}") from None
        for entry in entries:
            if len(found) >= unpack.MAX_NAMES:
                raise Unreadable(f"it holds more than {unpack.MAX_NAMES} names")
            item = _item(top, (*parts, entry.name), entry)
            found.append(item)
            if item.mode == unpack.FOLDER and len(item.path) < DEEPEST:
                todo.append(item.path)
    return found


def _item(top: Path, path: tuple[str, ...], entry: os.DirEntry) -> Item:
    info = entry.stat(follow_symlinks=False)
    if stat.S_ISDIR(info.st_mode):
        return Item(path, unpack.FOLDER, 0)
    if stat.S_ISLNK(info.st_mode):
        return Item(path, unpack.LINK, 0)
    if not stat.S_ISREG(info.st_mode):
        return Item(path, unpack.OTHER, 0)
    if not entry.name.endswith(SUFFIXES):
        return Item(path, unpack.FILE, info.st_size)
    try:
        descriptor = os.open(top.joinpath(*path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as stream:
            data = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise Unreadable(f"{printable(os.fsencode('/'.join(path)))} cannot be read: "
                         f"{error.strerror}") from None
    return Item(path, unpack.FILE, max(info.st_size, len(data)), data)


def _archive(path: Path) -> tuple[list[Item], dict[str, str]]:
    """Lets a process in the sandbox read it: archives have been used against their readers."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as stream:
        if os.fstat(descriptor).st_size > MAX_ARCHIVE:
            raise Unreadable(f"it is larger than {MAX_ARCHIVE >> 20} MiB")
        source = Path(unpack.__file__).read_text(encoding="utf-8")
        process = processes.start(sandbox.tool([PYTHON, "-I", "-c", source]),
                                  stdin=stream, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, env=processes.clean_environment())
        out, trouble = processes.read_capped(process, MAX_PRINTED, SECONDS)
    try:
        said = json.loads(out)
    except ValueError:
        trouble = trouble or "ended at one of its limits"
    if trouble:
        raise Unreadable(f"it cannot be unpacked: the process that read it {trouble}")
    if said["problem"]:
        raise Unreadable(said["problem"])
    return _checked(said["entries"])


def _checked(entries: list[list]) -> tuple[list[Item], dict[str, str]]:
    """The entries of an archive; one whose name leads elsewhere is refused."""
    found, refused = [], {}
    for name, mode, size, text in entries:
        shown = printable(name.encode("utf-8", "surrogatepass"))
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if name.startswith("/") or ".." in parts or "\\" in name or ":" in name[:2] or "\0" in name:
            refused[shown] = "a name that leads out of the archive"
        elif parts:
            data = None if text is None else base64.b64decode(text)
            found.append(Item(parts, mode, size, data))
    return found, refused
