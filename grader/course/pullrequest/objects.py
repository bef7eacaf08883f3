"""Git's objects, read without a checkout: no hook, no filter and no attribute has a say.

What git prints is capped while it is read, because a tree of a few objects can list more names
than a disk holds.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from grader import processes
from grader.errors import GraderError

SECONDS = 60
MOST_NAMES = 4 << 20                # bytes of names in one answer
MOST_FOLDERS = 200                  # that are compared
MOST_CHANGES = 20_000
FOLDER, GONE = "040000", ("000000", "")
REGULAR = ("100644", "100755", "100664")
KINDS = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a folder",
         "000000": "not there"}


@dataclass(frozen=True)
class Entry:
    """One name in a folder of a commit."""

    name: bytes             # as git has it: any bytes but / and NUL
    mode: str               # "100644"
    ident: str              # the object's name
    size: int               # bytes; -1 if it is no file

    @property
    def regular(self) -> bool:
        return self.mode in REGULAR


@dataclass(frozen=True)
class Change:
    """One path that differs between two commits."""

    path: bytes
    mode: str               # after the change; "000000": it is gone


class Repository:
    """A repository that is trusted, with commits that are not."""

    def __init__(self, place: Path):
        self.place = place

    @classmethod
    def around(cls, place: Path) -> Repository:
        """The repository that holds this folder.  GraderError if there is none."""
        code, out, said = _git(place, ["rev-parse", "--show-toplevel"])
        if code:
            raise GraderError(f"this is no git checkout ({said}): call `pr` inside one")
        return cls(Path(os.fsdecode(out.rstrip(b"\n"))))

    def commit(self, name: str, revision: str) -> str:
        """The commit that --base or --head means."""
        if not revision:
            raise GraderError(f"--{name} is missing: say which revision, such as --{name} main")
        code, out, said = self._ask(["rev-parse", "--verify", "--quiet", "--end-of-options",
                                     f"{revision}^{{commit}}"])
        if code:
            raise GraderError(f"--{name} {revision} is no commit here {said}".rstrip()
                              + ": fetch it first, such as `git fetch origin pull/7/head`")
        return out.decode("ascii").strip()

    def fork_point(self, base: str, head: str) -> str:
        """Where the head left the base; the base itself if they share nothing."""
        code, out, _ = self._ask(["merge-base", base, head])
        return base if code else out.decode("ascii").strip()

    def folder(self, commit: str, path: str) -> list[Entry]:
        """What a folder of a commit holds, not what is below; nothing if it is not there."""
        code, out, said = self._ask(["ls-tree", "-z", "-l", "--full-tree", commit, "--",
                                     f"{path}/"])
        if code:
            raise GraderError(f"git cannot list {path} of {commit[:12]} ({said}): fetch the whole "
                              "commit")
        inside = len(path.encode()) + 1
        return [_entry(line, inside) for line in out.split(b"\0") if line]

    def files(self, commit: str, folders: list[str]) -> list[Entry]:
        """Every file below these folders, with its path as its name.  For trusted commits only."""
        code, out, said = self._ask(["ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--",
                                     *folders])
        if code:
            raise GraderError(f"git cannot list {commit[:12]} ({said}): fetch the whole commit")
        return [_entry(line) for line in out.split(b"\0") if line]

    def changes(self, before: str, after: str) -> tuple[list[Change], bool]:
        """What differs, and whether that is all of it.

        `git diff-tree` keeps all that it finds in memory, and a hostile commit can name more files
        than fit there; so the folders that differ are walked here, and only so many.
        """
        todo = [(b"", self._tree(before), self._tree(after))]
        found: list[Change] = []
        for _ in range(MOST_FOLDERS):
            if not todo:
                return found, True
            path, old, new = todo.pop(0)
            was, now = self._names(old), self._names(new)
            for name in sorted(was.keys() | now.keys()):
                if was.get(name) == now.get(name):
                    continue
                whole = path + name
                (old_mode, old_ident), (mode, ident) = was.get(name, GONE), now.get(name, GONE)
                folders = [ident if mode == FOLDER else "" for mode, ident in
                           ((old_mode, old_ident), (mode, ident))]
                if any(folders):        # the labs first, whatever else there is
                    at = 0 if re.fullmatch(rb"labs(/lab[^/]*)?", whole) else len(todo)
                    todo.insert(at, (whole + b"/", *folders))
                if mode != FOLDER and (mode, ident) != GONE or old_mode not in (FOLDER, GONE[0]):
                    found.append(Change(whole, mode))
            if len(found) > MOST_CHANGES:
                break
        return found + [Change(path[:-1], FOLDER) for path, _, _ in todo], False

    def _tree(self, commit: str) -> str:
        return self._ask(["rev-parse", "--verify", "--quiet", "--end-of-options",
                          f"{commit}^{{tree}}"])[1].decode("ascii").strip()

    def _names(self, tree: str) -> dict[bytes, tuple[str, str]]:
        """The names in a folder: mode and object of each."""
        if not tree:
            return {}
        code, out, said = self._ask(["ls-tree", "-z", "--end-of-options", tree])
        if code:
            raise GraderError(f"git cannot list a folder ({said}): fetch both commits whole")
        result = {}
        for line in filter(None, out.split(b"\0")):
            head, _, name = line.partition(b"\t")
            mode, _, ident = head.decode("ascii").split()
            result[name] = mode, ident
        return result

    def contents(self, entries: list[Entry]) -> list[bytes]:
        """The bytes of files, as they were committed.  The caller has looked at the sizes."""
        if not entries:
            return []
        done = subprocess.run(_command(self.place, ["cat-file", "--batch"]), env=_environment(),
                              input="".join(f"{entry.ident}\n" for entry in entries).encode(),
                              capture_output=True, timeout=SECONDS, check=False)
        data, at, result = done.stdout, 0, []
        for entry in entries:
            head, _, _ = data[at:at + 200].partition(b"\n")
            if done.returncode or head != f"{entry.ident} blob {entry.size}".encode():
                raise GraderError(f"git has not got {entry.name!r} whole: fetch the commit again")
            at += len(head) + 1
            result.append(data[at:at + entry.size])
            at += entry.size + 1
        return result

    def _ask(self, arguments: list[str]) -> tuple[int, bytes, str]:
        return _git(self.place, arguments)


def _entry(line: bytes, inside: int = 0) -> Entry:
    """`inside` is the length of the folder's own path: a hostile name may itself hold a slash."""
    head, _, path = line.partition(b"\t")
    mode, _, ident, size = head.decode("ascii").split()
    return Entry(path[inside:], mode, ident, int(size) if size.isdigit() else -1)


def _environment() -> dict[str, str]:
    """No prompt, no replaced objects, no fetching of what is missing."""
    return processes.clean_environment(
        GIT_TERMINAL_PROMPT="0", GIT_NO_REPLACE_OBJECTS="1", GIT_NO_LAZY_FETCH="1",
        GIT_OPTIONAL_LOCKS="0", GIT_LITERAL_PATHSPECS="1", GIT_PAGER="cat")


def _command(place: Path, arguments: list[str]) -> list[str]:
    return ["git", "-C", str(place), "-c", "core.hooksPath=/dev/null",
            "-c", "core.fsmonitor=false", *arguments]


def _capped(place: Path, arguments: list[str], errors: int) -> tuple[int, bytes, str]:
    """(exit code, output, "" or what git did that ended it)."""
    if shutil.which("git") is None:
        raise GraderError("git is not installed: apt-get install git")
    process = processes.start(_command(place, arguments), env=_environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
    out, trouble = processes.read_capped(process, MOST_NAMES, SECONDS)
    return process.returncode, out, trouble


def _git(place: Path, arguments: list[str]) -> tuple[int, bytes, str]:
    """(exit code, output, the last line of its errors)."""
    with tempfile.TemporaryFile() as errors:
        code, out, trouble = _capped(place, arguments, errors.fileno())
        errors.seek(0)
        lines = errors.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
    if trouble:
        raise GraderError(f"git {arguments[0]} {trouble}: such a commit is not graded")
    return code, out, lines[-1][:200] if lines else ""
