"""The tree that is graded: the base's, with the student's files in the place of the lab's."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.course.pullrequest.objects import Entry, Repository
from grader.course.pullrequest.selection import Selection
from grader.errors import GraderError
from grader.sources import SUFFIXES

# Of the base: neither solutions/ nor what make would read.
PARTS = ["grader", "kernel", "labs", "references", "course.toml"]


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that the sandbox's user can walk through and not list; gone at the end."""
    place = Path(tempfile.mkdtemp(prefix="corralpr-", dir="/tmp"))
    try:
        place.chmod(0o711)
        for name, mode in (("tree", 0o700), ("report", 0o700), ("build", 0o711)):
            (place / name).mkdir(mode=mode)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def write_base(repository: Repository, commit: str, tree: Path, parts: list[str]) -> None:
    """Writes these folders of the base out of git's objects."""
    files = [entry for entry in repository.files(commit, parts) if entry.regular]
    if not any(entry.name.startswith(b"grader/tests/") for entry in files):
        raise GraderError(f"--base {commit[:12]} holds no grader/tests: it is no tree of the "
                          "course")
    for entry, data in zip(files, repository.contents(files)):
        path = tree / _inside(entry)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o755 if entry.mode == "100755" else 0o644)


def _inside(entry: Entry) -> str:
    name = entry.name.decode("utf-8", "replace")
    if name.startswith("/") or ".." in name.split("/"):
        raise GraderError(f"--base holds a file named {name!r}: it is no tree of this course")
    return name


def lay_over(tree: Path, selection: Selection) -> None:
    """Puts the student's files of one lab where the base's were; one that is gone stays gone."""
    folder = tree / "labs" / selection.lab.slug
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.suffix in SUFFIXES:
            path.unlink()
    for name, data in selection.files.items():
        (folder / name).write_bytes(data)
